"use strict";
// The page of a run asks for its summary with the key that the reader types, which stays in this tab's session.
// The service writes the summary as HTML, with every text of a run escaped.

const EVERY_MS = 5000;
const field = document.getElementById("key");
const problem = document.getElementById("problem");
const summary = document.getElementById("summary");
field.value = sessionStorage.getItem("key") || "";

async function load() {
  const key = sessionStorage.getItem("key");
  const headers = { Accept: "text/html", ...(key ? { Authorization: `Bearer ${key}` } : {}) };
  try {
    // Without this, a missing key would open the browser's own dialog.
    const reply = await fetch(summary.dataset.from, { headers, credentials: "omit" });
    const text = await reply.text();
    if (reply.ok) show(text);
    else complain(why(reply.status, text));
  } catch {
    complain("The service does not answer.");
  }
}

function show(text) {
  problem.hidden = true;
  const open = [...summary.querySelectorAll("details")].map((one) => one.open);
  summary.innerHTML = text;
  summary.querySelectorAll("details").forEach((one, n) => { one.open = Boolean(open[n]); });
}

function complain(text) {
  summary.replaceChildren();
  problem.textContent = text;
  problem.hidden = false;
}

function why(status, text) {
  try {
    const { title, detail } = JSON.parse(text);
    return detail ? `${title} ${detail[0].toUpperCase()}${detail.slice(1)}` : title;
  } catch {
    return `The service answered ${status}.`;
  }
}

document.getElementById("with-key").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("key", field.value.trim());
  load();
});
setInterval(load, EVERY_MS);
load();
