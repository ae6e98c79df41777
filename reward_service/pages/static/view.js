"use strict";
// Keys of the views: j and k go to the next and the previous rollout, n and p to the next and the previous mark,
// o opens or folds long text, / goes to the search. Text is never written into the page here.

const typing = (target) => target.closest("input, textarea, select, [contenteditable]");
const marks = () => [...document.querySelectorAll("mark.mark")];

function goToSibling(by) {
  const cells = [...document.querySelectorAll(".strip .cell")];
  const next = cells[cells.findIndex((cell) => cell.hasAttribute("aria-current")) + by];
  if (next) next.click();
}

function goToMark(by) {
  const all = marks();
  if (!all.length) return;
  const now = all.findIndex((mark) => mark.classList.contains("current"));
  const next = all[(now + by + all.length + (now < 0 && by < 0)) % all.length];
  all.forEach((mark) => mark.classList.toggle("current", mark === next));
  const folded = next.closest("details");
  if (folded) folded.open = true;
  history.replaceState(null, "", `#${next.id}`);
  next.scrollIntoView({ block: "center" });
}

function foldAll() {
  const all = [...document.querySelectorAll("details.long")];
  const open = all.some((one) => !one.open);
  all.forEach((one) => { one.open = open; });
}

function openTarget() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  const folded = target && target.closest("details");
  if (folded) folded.open = true;
  if (target && target.matches("mark")) target.scrollIntoView({ block: "center" });
}

const KEYS = {
  j: () => goToSibling(1),
  k: () => goToSibling(-1),
  n: () => goToMark(1),
  p: () => goToMark(-1),
  o: foldAll,
  "/": () => document.getElementById("text")?.focus(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (!KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});
window.addEventListener("hashchange", openTarget);
document.addEventListener("DOMContentLoaded", openTarget);
