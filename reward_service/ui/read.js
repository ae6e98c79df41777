"use strict";
// What was pasted, as bodies of the API. Records of trainers are told apart by the names of their fields.

const FIELDS = {
  messages: ["messages", "conversations", "conversation", "history", "contents"],
  steps: ["steps", "segments"],
  text: ["text", "output", "response", "completion", "message_str", "generation", "solution_str", "prediction"],
};
const ANSWERS = ["answers", "answer", "gts", "ground_truth", "gold", "label", "target"];
const ENTITIES = ["entities"];
const MARKS = { tool_call: "arguments" };

const firstOf = (record, names) => names.map((name) => record[name]).find((value) => value !== undefined && value !== null);
const list = (value) => (value === undefined || value === null ? [] : Array.isArray(value) ? value : [value]);

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// One value per line where every line is a JSON object, so that a group can be pasted as it is in a file.
function records(text) {
  const whole = parsed(text);
  if (whole !== undefined) return Array.isArray(whole) && whole.every(isRecord) && whole.length ? whole : [whole];
  const lines = text.split("\n").filter((line) => line.trim()).map(parsed);
  return lines.length > 1 && lines.every((line) => line && typeof line === "object" && !Array.isArray(line)) ? lines : [text];
}

const isRecord = (value) => value && typeof value === "object" && !Array.isArray(value) && !value.role && !value.type && !value.from
  && firstOf(value, Object.values(FIELDS).flat()) !== undefined;

function sourceOf(value, format) {
  if (typeof value === "string") return asText(value, format);
  if (Array.isArray(value)) return value.some((one) => one && (one.role || one.from)) ? { messages: value } : { steps: value };
  for (const [name, spellings] of Object.entries(FIELDS)) {
    const found = firstOf(value, spellings);
    if (typeof found === "string") return asText(found, value.format || format);
    if (Array.isArray(found)) return { [name === "text" ? "messages" : name]: name === "steps" ? found.map(stepOf) : found };
  }
  throw new Error(`The record has none of the fields ${Object.values(FIELDS).flat().join(", ")}.`);
}

const asText = (text, format) => (format ? { text, format } : { text });

// A segment of our own reply is a step of a call.
function stepOf(step) {
  if (!step.kind) return step;
  return { type: step.kind, [MARKS[step.kind] || "text"]: step.text };
}

function rolloutOf(value, said, n) {
  const record = value && typeof value === "object" && !Array.isArray(value) ? value : {};
  const inner = record.rollout && !record.segments ? record.rollout : value;
  const own = inner && typeof inner === "object" && !Array.isArray(inner) ? inner : {};
  const rollout = { rollout_id: String(own.rollout_id ?? n), ...sourceOf(inner, said.format) };
  const outcome = said.outcome || own.outcome;
  const stop = said.stop_reason || own.stop_reason;
  if (outcome) rollout.outcome = outcome;
  if (stop) rollout.stop_reason = stop;
  return rollout;
}

// The question of the form if it says anything, else the record's own.
function truthOf(value, said) {
  if (said.dataset && said.question_id) return { dataset: said.dataset, question_id: said.question_id };
  if (said.answers.length || said.entities.length || said.text) {
    return { question: { text: said.text, answers: said.answers, entities: said.entities } };
  }
  const record = value && typeof value === "object" ? value : {};
  if (record.question && typeof record.question === "object") return { question: record.question };
  const answers = list(firstOf(record, ANSWERS)).map((one) => (typeof one === "string" ? one : one.target ?? JSON.stringify(one)));
  const entities = list(firstOf(record, ENTITIES)).map((one) => (typeof one === "string" ? { name: one } : one));
  if (said.dataset && record.question_id) return { dataset: said.dataset, question_id: record.question_id };
  return { question: { text: typeof record.question === "string" ? record.question : "", answers: answers.flat(), entities } };
}
