// Draws the reference page from /openapi.json. Text only ever enters as text nodes.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];
let spec;

function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function resolve(schema) {
  if (schema && schema.$ref) {
    return schema.$ref.split("/").slice(1).reduce((node, part) => node[part], spec);
  }
  return schema || {};
}

function typeName(schema) {
  if (!schema) return "any";
  if (schema.$ref) return schema.$ref.split("/").pop();
  const choices = schema.anyOf || schema.oneOf;
  if (choices) return choices.map(typeName).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.type === "array") return `list of ${typeName(schema.items || (schema.prefixItems || [])[0])}`;
  if (schema.type === "object" && schema.additionalProperties) return `map to ${typeName(schema.additionalProperties)}`;
  return schema.format ? `${schema.type} (${schema.format})` : schema.type || "any";
}

function example(schema, depth = 0) {
  schema = resolve(schema);
  if (schema.examples && schema.examples.length) return schema.examples[0];
  if (schema.default !== undefined && schema.default !== null) return schema.default;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const choices = schema.anyOf || schema.oneOf || schema.allOf;
  if (choices) return example(choices[0], depth);
  if (depth > 5) return null;
  switch (schema.type) {
    case "object": {
      const made = {};
      for (const [name, property] of Object.entries(schema.properties || {})) made[name] = example(property, depth + 1);
      return made;
    }
    case "array": {
      const items = schema.prefixItems ? schema.prefixItems : schema.items ? [schema.items] : [];
      return items.map((item) => example(item, depth + 1));
    }
    case "integer": return 0;
    case "number": return 0.0;
    case "boolean": return false;
    case "null": return null;
    default: return schema.format === "date" ? "2022-12-28" : schema.format === "date-time" ? "2022-12-28T21:00:00Z" : "text";
  }
}

function fields(schema) {
  schema = resolve(schema);
  const rows = Object.entries(schema.properties || {}).map(([name, property]) =>
    el("tr", {},
      el("td", {}, el("code", {}, name), (schema.required || []).includes(name) ? el("span", { class: "required", title: "required" }, " *") : null),
      el("td", {}, el("code", {}, typeName(property))),
      el("td", {}, property.description || resolve(property).description || "")));
  if (!rows.length) return null;
  return el("table", {}, el("tr", {}, el("th", {}, "field"), el("th", {}, "type"), el("th", {}, "meaning")), ...rows);
}

function json(value) {
  return el("pre", {}, typeof value === "string" ? value : JSON.stringify(value, null, 2));
}

function content(node) {
  return Object.values((node && node.content) || {})[0];
}

function answers(operation) {
  const parts = [];
  for (const [status, response] of Object.entries(operation.responses || {})) {
    const body = content(response);
    const shown = el("details", {}, el("summary", {}, el("code", {}, status), ` ${response.description || ""}`));
    if (body && body.schema) shown.append(...[fields(body.schema), json(example(body.schema))].filter(Boolean));
    parts.push(shown);
  }
  return parts;
}

function tryIt(method, path, operation) {
  const inputs = (operation.parameters || []).map((parameter) => {
    const hint = (parameter.schema.examples || [])[0] ?? "";
    const input = el("input", { "aria-label": parameter.name, placeholder: String(hint) });
    return { parameter, input };
  });
  const body = operation.requestBody && content(operation.requestBody);
  const text = body ? el("textarea", { "aria-label": "body", spellcheck: "false" }) : null;
  if (text) text.value = JSON.stringify((body.examples && Object.values(body.examples)[0].value) || example(body.schema), null, 2);
  const output = el("div");
  const button = el("button", { type: "button" }, "Send");
  button.addEventListener("click", async () => {
    let url = path;
    const query = new URLSearchParams();
    for (const { parameter, input } of inputs) {
      if (parameter.in === "path") url = url.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      else if (input.value) query.set(parameter.name, input.value);
    }
    if ([...query].length) url += `?${query}`;
    const headers = { "X-API-Key": document.getElementById("key").value };
    if (text) headers["Content-Type"] = "application/json";
    const began = performance.now();
    try {
      const response = await fetch(url, { method: method.toUpperCase(), headers, body: text ? text.value : undefined });
      const took = (performance.now() - began).toFixed(1);
      const got = await response.text();
      let shown = got;
      try { shown = JSON.parse(got); } catch { /* not JSON: shown as it came */ }
      output.replaceChildren(el("p", {}, `${response.status} ${response.statusText}, ${took} ms`), json(shown));
    } catch (error) {
      output.replaceChildren(el("p", {}, String(error)));
    }
  });
  const table = inputs.length
    ? el("table", {}, ...inputs.map(({ parameter, input }) => el("tr", {},
        el("td", {}, el("code", {}, parameter.name), parameter.required ? el("span", { class: "required" }, " *") : null),
        el("td", {}, input),
        el("td", {}, `${typeName(parameter.schema)}. ${parameter.description || parameter.schema.description || ""}`))))
    : null;
  return [table, text, el("p", {}, button), output].filter(Boolean);
}

function operationNode(method, path, operation) {
  const body = operation.requestBody && content(operation.requestBody);
  return el("details", { class: "operation", id: operation.operationId },
    el("summary", {}, el("span", { class: `method ${method}` }, method.toUpperCase()), el("span", { class: "path" }, path), el("span", { class: "brief" }, operation.summary || "")),
    el("div", {}, el("p", {}, operation.description || ""),
      body ? el("h3", {}, "Body") : null, body ? fields(body.schema) : null,
      el("h3", {}, "Try it"), ...tryIt(method, path, operation),
      el("h3", {}, "Answers"), ...answers(operation)));
}

async function draw() {
  spec = await (await fetch("openapi.json")).json();
  document.title = `${spec.info.title} API`;
  document.getElementById("title").textContent = `${spec.info.title} ${spec.info.version}`;
  document.getElementById("description").textContent = (spec.info.description || "").trim();
  const groups = new Map();
  for (const [path, methods] of Object.entries(spec.paths)) {
    for (const method of METHODS.filter((name) => methods[name])) {
      const tag = (methods[method].tags || ["other"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push([method, path, methods[method]]);
    }
  }
  const index = document.getElementById("index");
  const operations = document.getElementById("operations");
  operations.replaceChildren();
  for (const [tag, members] of groups) {
    index.append(el("h2", {}, tag));
    operations.append(el("h2", {}, tag));
    for (const [method, path, operation] of members) {
      index.append(el("a", { href: `#${operation.operationId}` }, el("span", { class: `method ${method}` }, method.toUpperCase()), path));
      operations.append(operationNode(method, path, operation));
    }
  }
  const open = () => {
    const node = document.getElementById(location.hash.slice(1));
    if (node) { node.open = true; node.scrollIntoView(); }
  };
  addEventListener("hashchange", open);
  open();
  const key = document.getElementById("key");
  key.value = sessionStorage.getItem("key") || "";
  key.addEventListener("change", () => sessionStorage.setItem("key", key.value));
}

draw().catch((error) => { document.getElementById("operations").textContent = String(error); });
