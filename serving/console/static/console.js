"use strict";
// Comforts only: without this file every page works and every form can be sent.

// A filter is applied when it is chosen.
for (const form of document.querySelectorAll("form.filters")) {
  form.addEventListener("change", (event) => {
    if (event.target instanceof HTMLSelectElement) form.requestSubmit();
  });
}

// A slash goes to the search, as in many programs; Escape closes the list of columns.
document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, select");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    const search = document.querySelector("input[type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  }
  if (event.key === "Escape") {
    for (const details of document.querySelectorAll("details.columns[open]")) {
      details.open = false;
      details.querySelector("summary").focus();
    }
  }
});

// While the past is being computed, look again until it is there.
if (document.querySelector("[data-pending]")) {
  let pause = 1000;
  const look = async () => {
    const address = new URL(window.location.href);
    address.searchParams.set("format", "json");
    address.searchParams.set("wait", "0");
    try {
      const answer = await fetch(address, { credentials: "same-origin" });
      const content = await answer.json();
      // What somebody is writing is not thrown away.
      const writing = [...document.querySelectorAll("textarea")].some((field) => field.value);
      if (answer.ok && content.view && content.view.waiting === false && !writing) {
        window.location.reload();
        return;
      }
    } catch {
      // The service is restarting, or the session is over: the next look says.
    }
    pause = Math.min(pause * 1.5, 15000);
    window.setTimeout(look, pause);
  };
  window.setTimeout(look, pause);
}
