"use strict";
// One rollout, or the lines of one group, in; its explanation out. Text only ever enters the page as text, never as markup.

const field = (id) => document.getElementById(id);
const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);
const SIGNS = { correct: "✓", wrong: "✗", error: "!" };
const WHY = {
  pasted: "copied with its surroundings from a tool response",
  listed: "in a list of many names",
  ungrounded: "in no tool response before",
  precision: "too many of the names are wrong",
};
const CHANNELS = { exact: "the name", alias: "an alias", expanded: "with middle names", inflected: "inflected", fuzzy: "misspelled" };
let latest = 0;

function element(tag, text = "", className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

function entity(line) {
  const [name, ...aliases] = line.split("|").map((part) => part.trim());
  return { name, aliases: aliases.filter(Boolean) };
}

function said() {
  const values = Object.fromEntries(["dataset", "question_id", "text", "format", "outcome", "stop_reason"].map((id) => [id, field(id).value.trim()]));
  return { ...values, answers: lines(field("answers").value), entities: lines(field("entities").value).map(entity) };
}

async function ask(path, body) {
  const key = field("key").value.trim();
  sessionStorage.setItem("key", key);
  const headers = { "Content-Type": "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}) };
  // Without this, a missing key would open the browser's own dialog.
  const shared = { headers, credentials: "omit" };
  const sent = body === undefined ? shared : { ...shared, method: "POST", body: JSON.stringify(body) };
  let reply;
  try {
    reply = await fetch(path, sent);
  } catch {
    throw new Error("The service does not answer.");
  }
  const answer = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Error(answer.title ? problem(answer) : `The service answered ${reply.status}.`);
  return answer;
}

function problem({ title, detail, path }) {
  const where = path && !(detail || "").includes(path) ? ` (${path})` : "";
  return `${title}${detail ? ` ${detail[0].toUpperCase()}${detail.slice(1)}` : ""}${where}`;
}

async function explainOne(call, profile, best) {
  const given = best === "" || best === null ? {} : { group_max: Number(best) };
  const reply = await ask("/v1/rollouts/explain", { ...call, profile, ...given });
  if (reply.rollout.reward !== null || "group_max" in given || reply.rollout.matched === null) return { reply, best };
  return { reply: await withoutGroup(call, profile, reply), best };
}

// Where the reward is the same for the least and the greatest best count, it does not depend on the group.
async function withoutGroup(call, profile, reply) {
  const open = reply.entities.length - reply.masked.length - reply.unmatchable.length;
  const ends = [...new Set([reply.rollout.matched, open])];
  const tried = await Promise.all(ends.map((group_max) => ask("/v1/rollouts/explain", { ...call, profile, group_max })));
  const [first] = tried;
  return tried.every((one) => one.rollout.reward !== null && one.rollout.reward === first.rollout.reward) ? first : reply;
}

async function explain(event) {
  event?.preventDefault();
  const mine = ++latest;
  field("result").replaceChildren(element("p", "Explaining.", "quiet"));
  try {
    const shown = await explained();
    if (mine === latest) show(shown);
  } catch (error) {
    if (mine === latest) field("result").replaceChildren(element("p", error.message, "problem"));
  }
  field("result").scrollIntoView({ block: "nearest" });
}

async function explained() {
  const form = said();
  const pasted = records(field("rollout").value.trim());
  if (pasted.length === 1 && pasted[0] === "") throw new Error("There is no rollout to explain.");
  const rollouts = pasted.map((one, n) => rolloutOf(one, form, n));
  const truth = truthOf(pasted[0], form);
  const profiles = [field("profile").value, field("second").value].filter(Boolean);
  const groups = rollouts.length < 2 ? [] : await Promise.all(profiles.map((profile) => scored(profile, truth, rollouts)));
  const formulas = await Promise.all(profiles.map(async (name) => (await ask(`/v1/profiles/${encodeURIComponent(name)}`)).formula));
  return { rollouts, truth, profiles, groups, formulas, chosen: await chosen(0, { rollouts, truth, profiles, groups }) };
}

async function scored(profile, truth, rollouts) {
  const { groups: [group] } = await ask("/v1/groups/score", { profile, groups: [{ group_id: "pasted", ...truth, rollouts }] });
  if (group.error) throw new Error(problem(group.error));
  return group;
}

function chosen(n, { rollouts, truth, profiles, groups }) {
  const best = (at) => (groups[at] ? groups[at].group_max : field("group_max").value);
  return Promise.all(profiles.map((profile, at) => explainOne({ ...truth, rollout: rollouts[n] }, profile, best(at))))
    .then((replies) => ({ n, replies }));
}

// Spans count characters as Python does: code points, not UTF-16 units.
function marked(segment, position, rollout) {
  const points = Array.from(segment.text);
  const spans = [
    ...rollout.matches.map((match) => ({ ...match, kind: "credited", why: `earns credit: ${CHANNELS[match.channel] || match.channel} ${match.form}` })),
    ...rollout.uncredited_matches.map((match) => ({ ...match, kind: "uncredited", why: `named, earns nothing: ${WHY[match.reason] || match.reason}` })),
    ...rollout.near_misses.map((miss) => ({ ...miss, kind: "near", why: `close, but not a match: ${Math.round(miss.similarity)} % like ${miss.form}` })),
  ].filter((span) => span.segment === position).sort((a, b) => a.start - b.start);
  const paragraph = element("p");
  paragraph.dir = "auto";
  const notes = [];
  let at = 0;
  for (const span of spans) {
    if (span.start < at) continue;
    const mark = element("mark", points.slice(span.start, span.end).join(""), `mark ${span.kind}`);
    mark.title = `${span.entity}: ${span.why}`;
    paragraph.append(points.slice(at, span.start).join(""), mark);
    notes.push(`${span.entity}: ${span.why}`);
    at = span.end;
  }
  paragraph.append(points.slice(at).join(""));
  return [paragraph, ...notes.map((note) => element("p", note, "note"))];
}

const number = (value) => (value === null || value === undefined ? "–" : String(Math.round(value * 1e6) / 1e6));

function counted(reply) {
  const one = reply.rollout;
  const open = reply.entities.length - reply.masked.length - reply.unmatchable.length;
  return {
    outcome: [one.outcome || one.status, one.detail].filter(Boolean).join(": "),
    matched: `${one.matched ?? "–"} of ${open}: ${one.matches.map((match) => match.entity).join(", ") || "none"}`,
    "not credited": Object.entries(one.uncredited).map(([why, count]) => `${count} ${why}`).join(", ") || "–",
    "masked (in the question or answer)": reply.masked.join(", ") || "–",
    "no form to search for": reply.unmatchable.join(", ") || "–",
    "match rate": number(one.match_rate),
    "normalized match rate": number(one.normalized_match_rate),
    precision: number(one.precision),
    flags: one.flags.join(", ") || "–",
  };
}

function headline(reply, profile, result) {
  const one = reply.rollout;
  const parts = Object.entries(one.components || {}).filter(([, value]) => value).map(([name, value]) => `${number(value)} (${name})`);
  const total = number(one.reward);
  const sum = one.reward === null ? "depends on the group's best count" : parts.length ? `${parts.join(" + ")} = ${total}` : total;
  const advantage = result && result.advantage !== null ? `, advantage ${number(result.advantage)}` : "";
  return `${profile}: ${one.status === "scored" || one.status === "pending" ? sum : one.status}${advantage}`;
}

function strip(shown) {
  const box = element("div", "", "cells strip");
  shown.groups[0].rollouts.forEach((one, n) => {
    const outcome = one.status === "scored" ? one.outcome : "";
    const button = element("button", `${SIGNS[outcome] || "–"} ${number(one.reward)}`, `cell ${outcome || "none"}`);
    button.type = "button";
    button.title = `${one.rollout_id}: ${outcome || one.status}`;
    button.setAttribute("aria-label", `Rollout ${one.rollout_id}: ${outcome || one.status}, reward ${number(one.reward)}`);
    if (n === shown.chosen.n) button.setAttribute("aria-current", "true");
    button.addEventListener("click", async () => show({ ...shown, chosen: await chosen(n, shown) }));
    box.append(button);
  });
  return box;
}

function show(shown) {
  const { n, replies } = shown.chosen;
  const { reply } = replies[0];
  const heads = replies.flatMap((one, at) => [
    element("p", headline(one.reply, shown.profiles[at], shown.groups[at]?.rollouts[n]), "sum"),
    element("p", shown.formulas[at], "quiet"),
  ]);
  const facts = element("dl", "", "facts");
  for (const [name, value] of Object.entries(counted(reply))) facts.append(element("dt", name), element("dd", value));
  const segments = reply.segments.map((segment, position) => {
    const box = element("section", "", `segment ${segment.kind}`);
    box.append(element("h2", segment.kind.replace("_", " ")), ...marked(segment, position, reply.rollout));
    return box;
  });
  field("result").replaceChildren(...(shown.groups.length ? [strip(shown)] : []), ...heads, facts, ...segments);
}

function fillExample() {
  field("text").value = "Which office, founded by the captain of the ship that took a young naturalist to the Galápagos, forecasts the weather?";
  field("answers").value = "Met Office";
  field("entities").value = "Charles Darwin\nHMS Beagle | the Beagle\nRobert FitzRoy | Captain FitzRoy";
  field("rollout").value = [
    "<think>The naturalist is Charles Darwin. Who commanded his ship?</think>",
    '<tool_call>{"name": "search", "arguments": {"query": ["captain of Darwin\'s ship"]}}</tool_call>',
    "<tool_response>HMS Beagle sailed under Robert FitzRoy, who later founded what is now the Met Office.</tool_response>",
    "<think>That was Robert Fitzroy. The ship was named after a dog.</think>",
    "<answer>The Royal Society</answer>",
  ].join("\n");
  field("group_max").value = "3";
}

async function loadNames() {
  try {
    const { profiles } = await ask("/v1/profiles");
    field("profile").replaceChildren(...profiles.map((one) => new Option(one.name, one.name, one.default, one.default)));
    field("second").replaceChildren(new Option("nothing", ""), ...profiles.map((one) => new Option(one.name, one.name)));
    const { datasets } = await ask("/v1/datasets");
    field("datasets").replaceChildren(...datasets.map((one) => new Option(one.name)));
  } catch (error) {
    field("result").replaceChildren(element("p", error.message, "problem"));
  }
}

field("key").value = sessionStorage.getItem("key") || "";
field("call").addEventListener("submit", explain);
field("example").addEventListener("click", fillExample);
field("key").addEventListener("change", loadNames);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) explain(event);
});
loadNames();
