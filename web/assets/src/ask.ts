// Nothing that costs money happens on a single click: ask first, with the consequence in words.
import { showProblem } from "./notices.ts";

interface Ask {
  action: string;
  subject: string;
  question: string;
  consequence: string;
}

export function askBeforeActing(): void {
  const dialog = document.querySelector<HTMLDialogElement>("#confirm");
  const form = dialog?.querySelector("form");
  if (!dialog || !form) return;

  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    const button = target.closest<HTMLElement>("[data-ask]");
    if (button) open(dialog, form, read(button));
    if (target.closest("[data-dismiss]") || target === dialog) dialog.close();
  });
  form.addEventListener("htmx:afterRequest", (event) => {
    const { successful } = (event as CustomEvent<{ successful: boolean }>).detail;
    dialog.close();
    if (successful) form.reset();
  });
  form.addEventListener("htmx:timeout", () => {
    dialog.close();
    showProblem(JSON.stringify({ message: "No answer in time: look at the log before you repeat" }));
  });
}

function read(button: HTMLElement): Ask {
  const { ask, subject, question, consequence } = button.dataset;
  return {
    action: ask ?? "",
    subject: subject ?? "",
    question: question ?? "",
    consequence: consequence ?? "",
  };
}

function open(dialog: HTMLDialogElement, form: HTMLFormElement, ask: Ask): void {
  form.reset();
  (form.elements.namedItem("action") as HTMLInputElement).value = ask.action;
  (form.elements.namedItem("subject") as HTMLInputElement).value = ask.subject;
  const title = dialog.querySelector("#confirm-title");
  const text = dialog.querySelector("#confirm-text");
  if (title) title.textContent = ask.question;
  if (text) text.textContent = ask.consequence;
  dialog.showModal();
  dialog.querySelector<HTMLInputElement>("#confirm-reason")?.focus();
}
