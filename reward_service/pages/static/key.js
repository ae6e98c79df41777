"use strict";
// The page of a run asks for its summary with the key that the reader types, which stays in this tab's session.

const field = document.getElementById("key");
const problem = document.getElementById("problem");
field.value = sessionStorage.getItem("key") || "";

document.getElementById("with-key").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("key", field.value.trim());
  document.body.dispatchEvent(new Event("key"));
});
document.body.addEventListener("htmx:configRequest", (event) => {
  const key = sessionStorage.getItem("key");
  event.detail.headers.Accept = "text/html";
  if (key) event.detail.headers.Authorization = `Bearer ${key}`;
});
document.body.addEventListener("htmx:afterRequest", (event) => {
  const reply = event.detail.xhr;
  problem.hidden = event.detail.successful;
  if (event.detail.successful) return;
  document.getElementById("summary").replaceChildren();
  problem.textContent = why(reply);
});

function why(reply) {
  try {
    const said = JSON.parse(reply.responseText);
    return `${said.title} ${said.detail || ""}`;
  } catch {
    return reply.status ? `The service answered ${reply.status}.` : "The service does not answer.";
  }
}
