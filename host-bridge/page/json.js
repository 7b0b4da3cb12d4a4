// JSON expanded: members one below the other, and texts that are JSON themselves opened as well.

import { h, visible } from './elements.js';
import { text } from './texts.js';

/** From this depth on, what an object has is made when somebody opens it: however deep it is, it costs nothing before. */
const OPEN_DEPTH = 3;
/** A text is looked at for JSON inside JSON up to this depth. */
const MOST_DEPTH = 12;

/** A value as elements. */
export function tree(value, depth = 0) {
  if (typeof value === 'string') return stringValue(value, depth);
  if (value === null || typeof value !== 'object') return h('span', {}, String(value));
  if (JSON.isRawJSON?.(value)) return h('span', {}, value.rawJSON);
  const members = Object.entries(value);
  if (members.length === 0) return h('span', {}, Array.isArray(value) ? '[]' : '{}');
  const list = () => h('ul', { class: 'json' }, members.map(([name, member]) => h('li', {},
    h('span', { class: 'json-name' }, visible(name)), ': ', tree(member, depth + 1))));
  if (depth < OPEN_DEPTH) return list();
  const closed = h('details', { ontoggle: () => closed.children.length === 1 && closed.append(list()) },
    h('summary', {}, Array.isArray(value) ? `[${members.length}]` : `{${members.length}}`));
  return closed;
}

function stringValue(value, depth) {
  const shown = h('span', { class: 'json-string' }, visible(JSON.stringify(value)));
  const inner = depth < MOST_DEPTH ? opened(value) : null;
  if (inner !== null) {
    return h('span', {}, shown, h('span', { class: 'json-opened' }, h('span', { class: 'note' }, text('entry.decoded')), tree(inner, depth)));
  }
  const bytes = decodedLength(value);
  return bytes === null ? shown : h('span', {}, shown, ' ', h('span', { class: 'note' }, text('entry.base64', { bytes })));
}

/** The object or array whose JSON a text is. */
function opened(value) {
  if (!/^\s*[{[]/.test(value)) return null;
  try {
    return parse(value);
  } catch {
    return null;
  }
}

/** Numbers that JavaScript may write in another way than they came: long ones, and those with zeros at the end. */
const CHANGING = /\d{16}|\.\d*0/;

/** Reads JSON. Numbers stay as they are written, such as a counter beyond 2^53 or 5.0, where the browser can do that. */
export function parse(json) {
  if (!JSON.rawJSON || !CHANGING.test(json)) return JSON.parse(json);
  return JSON.parse(json, (_, value, context) =>
    (typeof value === 'number' && String(value) !== context.source ? JSON.rawJSON(context.source) : value));
}

/** How long a signature is that a text holds in Base64. */
function decodedLength(value) {
  if (value.length < 64 || !/^[A-Za-z0-9+/]+={0,2}$/.test(value) || value.length % 4 !== 0) return null;
  return (value.length / 4) * 3 - (value.endsWith('==') ? 2 : value.endsWith('=') ? 1 : 0);
}
