// Nothing that costs money happens on a single click: ask first, with the consequence in words.
import { showProblem } from "./notices.ts";

interface Ask {
  action: string;
  subject: string;
  question: string;
  consequence: string;
  /** The percent offered first, where a part is asked for. */
  part: string;
  needsReason: boolean;
  /** The word to be typed before it may be confirmed; empty if none. */
  typed: string;
}

export function askBeforeActing(): void {
  const dialog = document.querySelector<HTMLDialogElement>("#confirm");
  const form = dialog?.querySelector("form");
  if (!dialog || !form) return;

  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    const button = target.closest<HTMLElement>("[data-ask]");
    if (button) open(dialog, form, read(button));
    const part = target.closest<HTMLElement>("[data-part]:not([data-ask])");
    if (part) field(form, "percent").value = part.dataset["part"] ?? "";
    if (target.closest("[data-dismiss]") || target === dialog) dialog.close();
  });
  dialog.querySelector("#confirm-typed")?.addEventListener("input", () => allow(dialog));
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
  const { ask, subject, question, consequence, part, typed, needsReason } = button.dataset;
  return {
    action: ask ?? "",
    subject: subject ?? "",
    question: question ?? "",
    consequence: consequence ?? "",
    part: part ?? "",
    needsReason: needsReason !== undefined,
    typed: typed ?? "",
  };
}

function open(dialog: HTMLDialogElement, form: HTMLFormElement, ask: Ask): void {
  form.reset();
  field(form, "action").value = ask.action;
  field(form, "subject").value = ask.subject;
  write(dialog, "#confirm-title", ask.question);
  write(dialog, "#confirm-text", ask.consequence);
  write(dialog, "#confirm-word", ask.typed);
  write(dialog, "#confirm-reason-label", ask.needsReason ? "Reason, required" : "Reason");
  field(form, "reason").required = ask.needsReason;
  askForPart(dialog, field(form, "percent"), ask.part);
  show(dialog, "#confirm-typed-row", ask.typed !== "");
  allow(dialog);
  dialog.showModal();
  const first = ask.part ? "#confirm-percent" : "#confirm-reason";
  dialog.querySelector<HTMLInputElement>(first)?.focus();
}

function askForPart(dialog: HTMLDialogElement, percent: HTMLInputElement, part: string): void {
  show(dialog, "#confirm-part", part !== "");
  percent.value = part;
  percent.required = part !== "";
  // What is not asked for is not sent.
  percent.disabled = part === "";
}

function allow(dialog: HTMLDialogElement): void {
  const word = dialog.querySelector("#confirm-word")?.textContent ?? "";
  const typed = dialog.querySelector<HTMLInputElement>("#confirm-typed")?.value ?? "";
  const confirm = dialog.querySelector<HTMLButtonElement>("button[type=submit]");
  if (confirm) confirm.disabled = typed.trim().toLowerCase() !== word;
}

function field(form: HTMLFormElement, name: string): HTMLInputElement {
  return form.elements.namedItem(name) as HTMLInputElement;
}

function write(dialog: HTMLDialogElement, selector: string, text: string): void {
  const element = dialog.querySelector(selector);
  if (element) element.textContent = text;
}

function show(dialog: HTMLDialogElement, selector: string, shown: boolean): void {
  const element = dialog.querySelector<HTMLElement>(selector);
  if (element) element.hidden = !shown;
}
