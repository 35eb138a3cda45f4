// Light or dark: the system's choice until the reader makes one, kept in a cookie so that the
// server renders it and no page flashes.
const YEAR_SECONDS = 31_536_000;

export function switchTheme(): void {
  document.querySelector("[data-theme-toggle]")?.addEventListener("click", () => {
    const next = current() === "dark" ? "light" : "dark";
    document.documentElement.dataset["theme"] = next;
    document.cookie = `plimsoll_theme=${next}; path=/; max-age=${YEAR_SECONDS}; samesite=strict`;
  });
}

function current(): string {
  const chosen = document.documentElement.dataset["theme"];
  return chosen ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}
