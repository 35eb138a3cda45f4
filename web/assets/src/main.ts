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

for (const select of document.querySelectorAll<HTMLSelectElement>("select[data-submit]")) {
  select.addEventListener("change", () => select.form?.requestSubmit());
}
