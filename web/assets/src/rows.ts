// Rows that open to their details and stay open while the page goes on living.
const KEY = "plimsoll-open-rows";
const MOST = 200;

let opened = read();

export function openRows(): ReadonlySet<string> {
  return opened;
}

export function rememberOpenRows(): void {
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    const toggle = target.closest<HTMLElement>("[data-toggle]") ?? rowToggle(target);
    if (toggle) turn(toggle);
  });
  // After a reload the server does not know yet what was open here.
  for (const toggle of document.querySelectorAll<HTMLElement>("[data-toggle]")) {
    if (opened.has(toggle.dataset["toggle"] ?? "")) show(toggle, true);
  }
}

// The whole row of a position may be clicked; the button is what keyboards reach.
function rowToggle(target: Element): HTMLElement | null {
  if (target.closest("a, button, input, select, label")) return null;
  return target.closest(".group-row")?.querySelector<HTMLElement>("[data-toggle]") ?? null;
}

function turn(toggle: HTMLElement): void {
  const id = toggle.dataset["toggle"] ?? "";
  const open = toggle.getAttribute("aria-expanded") !== "true";
  const next = new Set(opened);
  next.delete(id);
  if (open) next.add(id);
  opened = new Set([...next].slice(-MOST));
  sessionStorage.setItem(KEY, JSON.stringify([...opened]));
  show(toggle, open);
}

function show(toggle: HTMLElement, open: boolean): void {
  toggle.setAttribute("aria-expanded", String(open));
  const details = document.getElementById(toggle.getAttribute("aria-controls") ?? "");
  if (details) details.hidden = !open;
}

function read(): Set<string> {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return new Set(Array.isArray(stored) ? stored.map(String) : []);
  } catch {
    // Somebody else wrote there; nothing is open then.
    return new Set();
  }
}
