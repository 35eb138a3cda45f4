// Unpacks the packaged browser and its libraries into $TMPDIR.
import chromium from "@sparticuz/chromium";

// Says that the libraries a bare Linux lacks are wanted too.
Deno.env.set("AWS_EXECUTION_ENV", "AWS_Lambda_nodejs22.x");
await chromium.executablePath();
