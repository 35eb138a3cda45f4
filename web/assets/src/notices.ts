// What was refused, in the server's own words: the field, its value, the remedy.
interface Problem {
  field: string;
  value: string;
  remedy: string;
}

interface Refusal {
  message?: string;
  problems?: Problem[];
}

export function showProblem(text: string): void {
  const refusal = parse(text);
  const notice = element("div", "notice failed");
  notice.setAttribute("role", "alert");
  const head = element("div", "notice-head");
  head.append(element("strong", "", refusal.message ?? "The request was refused"), dismissButton());
  notice.append(head);
  const list = element("ul", "");
  for (const each of refusal.problems ?? []) {
    list.append(element("li", "", `${each.field} was ${each.value}: ${each.remedy}`));
  }
  if (list.childElementCount) notice.append(list);
  document.getElementById("notices")?.prepend(notice);
}

document.addEventListener("click", (event) => {
  (event.target as Element).closest("[data-dismiss-notice]")?.closest(".notice")?.remove();
});

function dismissButton(): HTMLElement {
  const button = element("button", "icon", "×");
  button.setAttribute("type", "button");
  button.setAttribute("aria-label", "Dismiss");
  button.dataset["dismissNotice"] = "";
  return button;
}

function element(tag: string, classes: string, text = ""): HTMLElement {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  if (text) made.textContent = text;
  return made;
}

function parse(text: string): Refusal {
  try {
    return JSON.parse(text) as Refusal;
  } catch {
    // A proxy in between may answer with a page of its own.
    return { message: "The request was refused" };
  }
}
