// Relative times that go on between updates, by the clock of the house and not of this device.
import { meta } from "./requests.ts";

const UNITS: readonly (readonly [number, string])[] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

let offset = Date.parse(meta("plimsoll-now")) - Date.now() || 0;

export function houseNow(): number {
  return Date.now() + offset;
}

export function setHouseClock(iso: string): void {
  const now = Date.parse(iso);
  if (!Number.isNaN(now)) offset = now - Date.now();
}

export function keepAges(): void {
  setInterval(showAges, 1000);
  document.addEventListener("htmx:afterSwap", showAges);
}

export function span(seconds: number): string {
  for (const [size, unit] of UNITS) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return "now";
}

function showAges(): void {
  // History stands still: its ages are those of the moment shown.
  if (document.getElementById("live")?.dataset["state"] === "history") return;
  for (const element of document.querySelectorAll<HTMLTimeElement>("time[data-age]")) {
    const text = span((houseNow() - Date.parse(element.dateTime)) / 1000);
    if (element.textContent !== text) element.textContent = text;
  }
  for (const element of document.querySelectorAll<HTMLTimeElement>("time[data-due]")) {
    const seconds = (Date.parse(element.dateTime) - houseNow()) / 1000;
    const text = seconds >= 1 ? `in ${span(seconds)}` : "due";
    if (element.textContent !== text) element.textContent = text;
  }
}
