// What every request carries, and what a refused one shows.
import "htmx.org";
import { openRows } from "./rows.ts";
import { showProblem } from "./notices.ts";

interface RequestDetail {
  headers: Record<string, string>;
  parameters: FormData | Record<string, string>;
  verb: string;
}

interface ResponseDetail {
  xhr: XMLHttpRequest;
  requestConfig: { verb: string };
}

export function meta(name: string): string {
  return document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? "";
}

export function configureRequests(): void {
  document.addEventListener("htmx:configRequest", (event) => {
    const detail = (event as CustomEvent<RequestDetail>).detail;
    detail.headers["X-CSRF-Token"] = meta("plimsoll-csrf");
    // The server renders opened rows open, so that a live update never closes one.
    if (detail.verb === "get") {
      (detail.parameters as Record<string, string>)["open"] = [...openRows()].join(",");
    }
  });
  document.addEventListener("htmx:responseError", (event) => {
    const { xhr, requestConfig } = (event as CustomEvent<ResponseDetail>).detail;
    if (requestConfig.verb !== "get") showProblem(xhr.responseText);
  });
  document.addEventListener("htmx:sendError", (event) => {
    const { requestConfig } = (event as CustomEvent<ResponseDetail>).detail;
    if (requestConfig.verb !== "get") {
      showProblem(JSON.stringify({ message: "Plimsoll did not answer: nothing is known to be done" }));
    }
  });
}

export function refresh(element: Element): void {
  element.dispatchEvent(new CustomEvent("changed"));
}
