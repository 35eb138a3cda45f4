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
  /** What was typed is what the wish is about: the server checks it once more. */
  typedIsSubject: boolean;
  /** The amount offered first, where one is asked for; null if none is. */
  amount: string | null;
  /** What the button that does it says. */
  confirm: string;
  danger: boolean;
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
  dialog.querySelector("#confirm-typed")?.addEventListener("input", () => {
    allow(dialog);
    if (form.dataset["typedIsSubject"]) field(form, "subject").value = typedInto(dialog);
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
  const { ask, subject, question, consequence, part, typed, needsReason } = button.dataset;
  const { typedSubject, amount, confirm, danger } = button.dataset;
  return {
    action: ask ?? "",
    subject: subject ?? "",
    question: question ?? "",
    consequence: consequence ?? "",
    part: part ?? "",
    needsReason: needsReason !== undefined,
    typed: typed ?? "",
    typedIsSubject: typedSubject !== undefined,
    amount: amount ?? null,
    confirm: confirm ?? "Confirm",
    danger: danger !== undefined,
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
  askForAmount(dialog, field(form, "amount"), ask.amount);
  show(dialog, "#confirm-typed-row", ask.typed !== "");
  form.dataset["typedIsSubject"] = ask.typedIsSubject ? "yes" : "";
  write(dialog, "button[type=submit]", ask.confirm);
  dialog.querySelector("button[type=submit]")?.classList.toggle("danger", ask.danger);
  allow(dialog);
  dialog.showModal();
  const first = ask.part ? "#confirm-percent" : ask.amount !== null ? "#confirm-amount" : "#confirm-reason";
  dialog.querySelector<HTMLInputElement>(first)?.focus();
}

function askForPart(dialog: HTMLDialogElement, percent: HTMLInputElement, part: string): void {
  show(dialog, "#confirm-part", part !== "");
  percent.value = part;
  percent.required = part !== "";
  // What is not asked for is not sent.
  percent.disabled = part === "";
}

function askForAmount(dialog: HTMLDialogElement, field: HTMLInputElement, amount: string | null): void {
  show(dialog, "#confirm-money", amount !== null);
  field.value = amount ?? "";
  field.required = amount !== null;
  field.disabled = amount === null;
}

function allow(dialog: HTMLDialogElement): void {
  const word = dialog.querySelector("#confirm-word")?.textContent ?? "";
  const confirm = dialog.querySelector<HTMLButtonElement>("button[type=submit]");
  if (confirm) confirm.disabled = typedInto(dialog) !== word;
}

function typedInto(dialog: HTMLDialogElement): string {
  const typed = dialog.querySelector<HTMLInputElement>("#confirm-typed")?.value ?? "";
  return typed.trim().toLowerCase();
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
