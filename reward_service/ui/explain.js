"use strict";
// One rollout in, its explanation out. Text only ever enters the page as text, never as markup.

const field = (id) => document.getElementById(id);
const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

function element(tag, text = "", className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

function source(text) {
  const trimmed = text.trim();
  if (!trimmed.startsWith("[")) return { text };
  const list = JSON.parse(trimmed);
  return list.some((item) => item && item.role) ? { messages: list } : { steps: list };
}

function entity(line) {
  const [name, ...aliases] = line.split("|").map((part) => part.trim());
  return { name, aliases: aliases.filter(Boolean) };
}

function callBody() {
  const rollout = { rollout_id: "0", stop_reason: field("stop_reason").value, ...source(field("rollout").value) };
  if (field("outcome").value) rollout.outcome = field("outcome").value;
  const body = {
    profile: field("profile").value,
    question: {
      text: field("text").value,
      answers: lines(field("answers").value),
      entities: lines(field("entities").value).map(entity),
    },
    rollout,
  };
  if (field("group_max").value !== "") body.group_max = Number(field("group_max").value);
  return body;
}

// Spans count characters as Python does: code points, not UTF-16 units.
function marked(segment, position, rollout) {
  const points = Array.from(segment.text);
  const spans = [
    ...rollout.matches.map((match) => ({ ...match, kind: "" })),
    ...rollout.uncredited_matches.map((match) => ({ ...match, kind: "uncredited" })),
  ].filter((span) => span.segment === position).sort((a, b) => a.start - b.start);
  const paragraph = element("p");
  let at = 0;
  for (const span of spans) {
    if (span.start < at) continue;
    paragraph.append(points.slice(at, span.start).join(""));
    const mark = element("mark", points.slice(span.start, span.end).join(""), span.kind);
    const distance = span.distance ? `, ${span.distance} edits` : "";
    mark.title = `${span.entity}: ${span.kind || "credited"}, ${span.channel}, as "${span.form}"${distance}`;
    paragraph.append(mark);
    at = span.end;
  }
  paragraph.append(points.slice(at).join(""));
  return paragraph;
}

const number = (value) => (value === null ? "–" : String(Math.round(value * 1e6) / 1e6));

function counted(reply) {
  const one = reply.rollout;
  const named = (matches) => matches.map((match) => match.entity).join(", ") || "–";
  const missed = one.near_misses.map((miss) => `${miss.entity}: “${miss.text}” (${Math.round(miss.similarity)})`).join("; ");
  const open = reply.entities.length - reply.masked.length;
  return {
    outcome: [one.outcome, one.detail].filter(Boolean).join(": ") || "–",
    status: one.status,
    matched: `${one.matched ?? "–"} of ${open}: ${named(one.matches)}`,
    "named but not credited": Object.entries(one.uncredited).map(([why, count]) => `${count} ${why}`).join(", ") || "–",
    "masked (in the question)": reply.masked.join(", ") || "–",
    "nearest misses": missed || "–",
    "match rate": number(one.match_rate),
    "normalized match rate": number(one.normalized_match_rate),
    precision: number(one.precision),
    flags: one.flags.join(", ") || "–",
  };
}

function show(reply) {
  const one = reply.rollout;
  const table = element("table");
  for (const [name, value] of Object.entries(counted(reply))) {
    const row = table.insertRow();
    row.append(element("th", name), element("td", value));
  }
  const reward = one.reward === null ? "unknown without the group's best count" : number(one.reward);
  const segments = reply.segments.map((segment, position) => {
    const box = element("div", "", `segment ${segment.kind}`);
    box.append(element("h3", segment.kind.replace("_", " ")), marked(segment, position, one));
    return box;
  });
  field("result").replaceChildren(element("p", `Reward: ${reward}`, "reward"), table, ...segments);
}

function complain(text) {
  field("result").replaceChildren(element("p", text, "problem"));
}

async function explain(event) {
  event.preventDefault();
  let body;
  try {
    body = callBody();
  } catch (error) {
    complain(`The rollout looks like a JSON list but cannot be parsed: ${error.message}`);
    return;
  }
  const headers = { "Content-Type": "application/json" };
  const reply = await fetch("/v1/rollouts/explain", { method: "POST", headers, body: JSON.stringify(body) });
  const answer = await reply.json();
  if (reply.ok) show(answer);
  else complain(`${answer.title} ${answer.detail}`);
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

async function loadProfiles() {
  const { profiles } = await (await fetch("/v1/profiles")).json();
  for (const profile of profiles) {
    const option = new Option(profile.name, profile.name, profile.default, profile.default);
    option.title = profile.about;
    field("profile").append(option);
  }
}

field("call").addEventListener("submit", explain);
field("example").addEventListener("click", fillExample);
loadProfiles();
