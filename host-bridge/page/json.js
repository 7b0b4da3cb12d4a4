// JSON laid open: members one below the other, and texts that are JSON themselves opened as well.

import { h } from './elements.js';
import { text } from './texts.js';

/** Below this depth an object is closed until somebody opens it. */
const OPEN_DEPTH = 3;
/** A text is looked at for JSON inside JSON up to this depth. */
const MOST_DEPTH = 12;

/** A value as elements. */
export function tree(value, depth = 0) {
  if (typeof value === 'string') return stringValue(value, depth);
  if (value === null || typeof value !== 'object') return h('span', { class: `json-${value === null ? 'null' : typeof value}` }, String(value));
  const members = Object.entries(value);
  if (members.length === 0) return h('span', { class: 'json-empty' }, Array.isArray(value) ? '[]' : '{}');
  const list = h('ul', { class: 'json' }, members.map(([name, member]) => h('li', {},
    h('span', { class: 'json-name' }, name), ': ', tree(member, depth + 1))));
  if (depth < OPEN_DEPTH) return list;
  return h('details', {}, h('summary', {}, Array.isArray(value) ? `[${members.length}]` : `{${members.length}}`), list);
}

function stringValue(value, depth) {
  const shown = h('span', { class: 'json-string' }, JSON.stringify(value));
  const inner = depth < MOST_DEPTH ? opened(value) : null;
  if (inner !== null) {
    return h('span', {}, shown, h('span', { class: 'json-opened' }, h('span', { class: 'note' }, text('entry.laidOpen')), tree(inner, depth)));
  }
  const bytes = decodedLength(value);
  return bytes === null ? shown : h('span', {}, shown, ' ', h('span', { class: 'note' }, text('entry.base64', { bytes })));
}

/** The object or array whose JSON a text is. */
function opened(value) {
  if (!/^\s*[{[]/.test(value)) return null;
  try {
    return JSON.parse(value, exact);
  } catch {
    return null;
  }
}

/** A counter beyond 2^53 is shown as it stands in the text, where the browser tells. */
function exact(_, value, context) {
  const isRounded = Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '');
  return isRounded ? BigInt(context.source) : value;
}

/** How long a signature is that a text holds in Base64. */
function decodedLength(value) {
  if (value.length < 64 || !/^[A-Za-z0-9+/]+={0,2}$/.test(value) || value.length % 4 !== 0) return null;
  return (value.length / 4) * 3 - (value.endsWith('==') ? 2 : value.endsWith('=') ? 1 : 0);
}
