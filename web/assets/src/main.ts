// The dashboard's behaviour: pages are complete without it, it keeps them live.
import { keepAges } from "./ages.ts";
import { askBeforeActing } from "./ask.ts";
import { keepLive } from "./live.ts";
import { configureRequests } from "./requests.ts";
import { rememberOpenRows } from "./rows.ts";
import { switchTheme } from "./theme.ts";

configureRequests();
rememberOpenRows();
askBeforeActing();
switchTheme();
keepAges();
keepLive();

// On a phone the menu is wider than the screen.
document.querySelector(".top nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

for (const select of document.querySelectorAll<HTMLSelectElement>("select[data-submit]")) {
  select.addEventListener("change", () => select.form?.requestSubmit());
}
