"use strict";

const place = (id) => document.getElementById(id);
const METHODS = ["get", "post", "put", "patch", "delete"];
let shown = null;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  for (const child of children.flat(Infinity)) if (child !== null && child !== undefined) made.append(child);
  return made;
}

function resolve(part) {
  let found = part;
  for (let steps = 0; found && found.$ref && steps < 10; steps += 1) {
    found = found.$ref.slice(2).split("/").reduce((at, key) => (at ? at[key] : undefined), shown);
  }
  return found || {};
}

function nameOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf || schema.oneOf) return (schema.anyOf || schema.oneOf).map(nameOf).join(" or ");
  if (schema.enum) return schema.enum.slice(0, LONGEST_ENUM).map((value) => JSON.stringify(value)).join(" | ") + (schema.enum.length > LONGEST_ENUM ? " | …" : "");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") return `list of ${nameOf(schema.items) || "anything"}`;
  const type = Array.isArray(schema.type) ? schema.type.join(" or ") : schema.type || "anything";
  return schema.format ? `${type} (${schema.format})` : type;
}

// Text in which `words` are code, as the document writes it.
function prose(text) {
  return (text || "").split(/(``[^`]+``|`[^`]+`)/).map((part) => (part.startsWith("`") ? element("code", {}, part.replace(/^`+|`+$/g, "")) : part));
}

const LONGEST_ENUM = 24;

function limitsOf(schema) {
  const words = {
    minimum: "≥", maximum: "≤", minLength: "length ≥", maxLength: "length ≤", minItems: "items ≥", maxItems: "items ≤",
    pattern: "matches", default: "default",
  };
  return Object.entries(words)
    .filter(([key]) => schema[key] !== undefined && Math.abs(schema[key]) !== Number.MAX_SAFE_INTEGER
      && !(typeof schema[key] === "number" && Math.abs(schema[key]) > Number.MAX_SAFE_INTEGER))
    .map(([key, word]) => `${word} ${typeof schema[key] === "string" ? schema[key] : JSON.stringify(schema[key])}`)
    .join(", ");
}

function table(heads, rows) {
  if (!rows.length) return null;
  return element("div", { class: "scroll" }, element("table", {},
    element("thead", {}, element("tr", {}, heads.map((head) => element("th", { scope: "col" }, head)))),
    element("tbody", {}, rows.map((row) => element("tr", {}, row.map((cell) => element("td", {}, cell)))))));
}

function fieldTable(schema) {
  const whole = resolve(schema);
  const required = new Set(whole.required || []);
  const rows = Object.entries(whole.properties || {}).map(([name, part]) => [
    [element("code", {}, name), required.has(name) ? element("span", { class: "required" }, " required") : null],
    [element("code", {}, nameOf(part))],
    [limitsOf(part), part.description ? [" ", prose(part.description)] : ""],
  ]);
  return table(["Field", "Type", ""], rows);
}

function bodyPart(title, content) {
  const parts = Object.entries(content || {});
  return parts.map(([media, { schema }]) => [
    element("h4", {}, `${title} · ${media}`),
    schema && (schema.$ref || schema.type) ? element("p", { class: "soft" }, nameOf(schema)) : null,
    fieldTable(schema && schema.type === "array" ? schema.items : schema),
  ]);
}

function operationPart(path, method, operation) {
  const parameters = (operation.parameters || []).map(resolve);
  const open = (operation.security || []).some((each) => !Object.keys(each).length);
  const parameterTable = (some) => table(["Name", "In", "Type", ""], some.map((each) => [
    [element("code", {}, each.name), each.required ? element("span", { class: "required" }, " required") : null],
    [each.in],
    [element("code", {}, nameOf(each.schema || {}))],
    [limitsOf(each.schema || {}), each.description ? [" ", prose(each.description)] : ""],
  ]));
  const filters = parameters.filter((each) => each.name.startsWith("filter["));
  const others = parameters.filter((each) => !each.name.startsWith("filter["));
  const answers = Object.entries(operation.responses || {}).map(([status, response]) => {
    const whole = resolve(response);
    const schema = Object.values(whole.content || {})[0];
    return [[element("code", {}, status)], [prose(whole.description)], [schema ? element("code", {}, nameOf(schema.schema)) : ""]];
  });
  return element("article", { id: operation.operationId, "data-words": `${method} ${path} ${operation.summary}`.toLowerCase() },
    element("h3", {}, element("span", { class: `method ${method}` }, method.toUpperCase()),
      element("span", { class: "path" }, path),
      element("span", { class: "who" }, open ? "token optional" : "needs a token")),
    element("p", {}, prose(operation.summary)),
    operation.description ? element("p", { class: "soft" }, prose(operation.description)) : null,
    others.length ? element("h4", {}, "Parameters") : null, parameterTable(others),
    filters.length ? element("details", {}, element("summary", {}, `${filters.length} filters`), parameterTable(filters)) : null,
    bodyPart("Body", (operation.requestBody || {}).content),
    element("h4", {}, "Answers"), table(["Status", "Meaning", "Body"], answers));
}

function problemsPart(problems) {
  return problems.map((each) => element("article", { id: `problem-${each.code}`, "data-words": `${each.code} ${each.title}`.toLowerCase() },
    element("h3", {}, element("code", {}, each.code), element("span", { class: "who" }, String(each.status))),
    element("p", {}, `${each.title}. `, prose(each.description))));
}

function render(document_) {
  shown = document_;
  document.title = `${shown.info.title} API`;
  place("title").textContent = `${shown.info.title} API`;
  place("version").textContent = shown.info.version;
  const groups = new Map();
  for (const [path, item] of Object.entries(shown.paths)) {
    for (const method of METHODS.filter((each) => item[each])) {
      const tag = (item[method].tags || ["other"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push([path, method, item[method]]);
    }
  }
  const content = [element("p", {}, prose(shown.info.description))];
  const nav = [];
  for (const [tag, operations] of groups) {
    content.push(element("section", {}, element("h2", { id: `tag-${tag}` }, tag), operations.map((each) => operationPart(...each))));
    nav.push(element("h2", {}, tag), element("ul", {}, operations.map(([path, method, operation]) => element("li", {},
      element("a", { href: `#${operation.operationId}`, "data-words": `${method} ${path} ${operation.summary}`.toLowerCase() },
        element("span", { class: `method ${method}` }, method.toUpperCase()), prose(operation.summary || path))))));
  }
  const problems = shown["x-problems"] || [];
  if (problems.length) {
    content.push(element("section", {}, element("h2", { id: "problems" }, "Problems"), problemsPart(problems)));
    nav.push(element("h2", {}, "Problems"), element("ul", {}, problems.map((each) => element("li", {},
      element("a", { href: `#problem-${each.code}`, "data-words": `${each.code} ${each.title}`.toLowerCase() }, each.code)))));
  }
  place("content").replaceChildren(...content);
  place("nav").replaceChildren(...nav);
  place("status").textContent = "";
  find();
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

function find() {
  const words = place("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const each of document.querySelectorAll("[data-words]")) {
    each.classList.toggle("hidden", !words.every((word) => each.dataset.words.includes(word)));
  }
}

async function load() {
  const space = place("space").value.trim();
  const token = place("token").value.trim();
  const url = space ? `/api/spaces/${encodeURIComponent(space)}/openapi.json` : "/openapi.json";
  place("status").textContent = "Loading…";
  try {
    const answer = await fetch(url, { headers: token ? { Authorization: `Bearer ${token}` } : {} });
    const body = await answer.json();
    if (answer.ok) render(body);
    else place("status").textContent = `${url}: ${body.title}. ${body.detail}`;
  } catch (error) {
    place("status").textContent = `${url} could not be read: ${error.message}`;
  }
}

place("choose").addEventListener("submit", (event) => { event.preventDefault(); load(); });
place("find").addEventListener("input", find);
place("space").value = new URLSearchParams(location.search).get("space") || "";
load();
