// One call of the journal, laid open, and the same as a command line.

import { copy, fill, h } from './elements.js';
import { tree } from './json.js';
import { moment, text } from './texts.js';

/** A call in words of a shell. What is masked in the journal stays masked: the shell asks for it by name. */
export function curl({ door, call, request }, origin) {
  if (door === 'rpc') {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: call, params: request ?? {} });
    return `curl ${quoted(`${origin}/rpc`)} -H 'content-type: application/json' -d ${quoted(body)}`;
  }
  const [method, path] = call.split(' ');
  const url = new URL(path, origin);
  for (const [name, value] of Object.entries(request?.query ?? {})) url.searchParams.append(name, value);
  // A masked value is `***` and perhaps its last characters.
  const address = quoted(url.href).replace(/([?&])(\w+)=\*\*\*[^&']*/g, (_, sign, name) => `${sign}${name}='"$${name.toUpperCase()}"'`);
  const body = request?.body === undefined ? '' : ` -d ${quoted(JSON.stringify(request.body))}`;
  return `curl -X ${method} ${address}${body}`;
}

function quoted(value) {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** Lays a call open inside an element; `null` empties it. */
export function layOpen(root, entry, { say, close }) {
  if (entry === null) {
    fill(root, h('p', { class: 'hint' }, text('journal.pick')));
    return;
  }
  const button = (words, value) => h('button', { type: 'button',
    onclick: async () => say(await copy(value()) ? text('copied') : text('notCopied')) }, text(words));
  const { judgement } = entry;
  fill(root,
    h('div', { class: 'entry-head' },
      h('button', { type: 'button', class: 'back', onclick: close }, text('entry.close')),
      h('h3', {}, entry.call),
      h('p', { class: 'hint' }, `#${entry.number} · ${moment(entry.at)} · ${text('journal.took', { ms: (entry.microseconds / 1000).toFixed(1) })}`),
      h('div', { class: 'buttons' },
        button('entry.curl', () => curl(entry, window.location.origin)),
        button('entry.json', () => JSON.stringify(entry, null, 2)))),
    judgement && h('div', { class: `verdict ${judgement.isOk ? 'good' : 'bad'}` },
      h('strong', {}, `${text('reason' in judgement && judgement.reason.startsWith('errcode') ? 'entry.refusal' : 'entry.verdict')}: ${judgement.reason}`),
      h('p', {}, judgement.detail)),
    h('h4', {}, text('entry.request')), h('div', { class: 'scrolls', tabIndex: 0, role: 'region', 'aria-label': text('entry.request') }, tree(entry.request)),
    h('h4', {}, text('entry.answer')), h('div', { class: 'scrolls', tabIndex: 0, role: 'region', 'aria-label': text('entry.answer') }, tree(entry.answer)));
}
