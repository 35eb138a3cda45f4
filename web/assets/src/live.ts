// One stream of hints from the server; what they name is asked for again.
import { houseNow, setHouseClock, span } from "./ages.ts";
import { meta, refresh } from "./requests.ts";

type State = "connecting" | "live" | "reconnecting" | "stale";

// The server says something at least each 15 seconds: silence for longer is a dead line.
const SILENCE_MS = 35_000;
const RETRY_MS = 2_000;
// The plan is computed by the engine's own rules from its whole record: not with every mark.
const PLAN_MS = 5_000;

let source: EventSource | null = null;
let heardAt = Date.now();
let lostAt: number | null = null;
let waiting = new Set<string>();

export function keepLive(): void {
  if (indicator()?.dataset["state"] === "history") return;
  connect();
  setInterval(watch, 1000);
  setInterval(refreshPlan, PLAN_MS);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refreshWaiting();
  });
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => {
    if (event.persisted) connect();
  });
}

function connect(): void {
  source?.close();
  const stream = source = new EventSource("/events");
  stream.addEventListener("hello", (event) => greet(event.data as string));
  stream.addEventListener("beat", (event) => heard(event.data as string));
  stream.addEventListener("changed", (event) => {
    heard("");
    for (const view of (event.data as string).split(" ")) waiting.add(view);
    refreshWaiting();
  });
  stream.addEventListener("error", () => lost());
}

function greet(data: string): void {
  const hello = JSON.parse(data) as { version: string; now: string };
  if (hello.version !== meta("plimsoll-version")) return location.reload();
  const wasLost = lostAt !== null;
  heard(hello.now);
  // What happened while nobody listened is not told again.
  if (wasLost) refreshAll();
}

function heard(now: string): void {
  heardAt = Date.now();
  lostAt = null;
  if (now) setHouseClock(now);
  show("live", "Live");
}

function lost(): void {
  lostAt ??= Date.now();
  show("reconnecting", "Reconnecting");
  // A refused connection is final for the browser; not for us.
  if (source?.readyState === EventSource.CLOSED) setTimeout(reconnect, RETRY_MS);
}

function reconnect(): void {
  if (source?.readyState !== EventSource.CLOSED) return;
  // A page whose session has ended is led to the login by this request's answer.
  const any = document.querySelector("[data-view]");
  if (any) refresh(any);
  connect();
}

function watch(): void {
  const silent = Date.now() - heardAt;
  if (lostAt === null && silent > SILENCE_MS) {
    lostAt = heardAt;
    connect();
  }
  if (lostAt === null) return;
  const since = new Date(houseNow() - (Date.now() - heardAt)).toISOString().slice(11, 19);
  show("stale", `Stale since ${since} (${span(silent / 1000)})`);
}

function refreshWaiting(): void {
  if (document.hidden) return;
  const views = waiting;
  waiting = new Set();
  for (const element of document.querySelectorAll<HTMLElement>("[data-view]")) {
    if (views.has(element.dataset["view"] ?? "")) refresh(element);
  }
}

function refreshAll(): void {
  for (const element of document.querySelectorAll("[data-view]")) refresh(element);
}

function refreshPlan(): void {
  const plan = document.querySelector("[data-view=plan]");
  if (plan && !document.hidden && lostAt === null) refresh(plan);
}

function indicator(): HTMLElement | null {
  return document.getElementById("live");
}

function show(state: State, text: string): void {
  const element = indicator();
  const label = element?.querySelector("span");
  if (!element || !label) return;
  if (element.dataset["state"] !== state) element.dataset["state"] = state;
  if (label.textContent !== text) label.textContent = text;
}
