// One call of the journal, opened, and the same as a command line.

import { copy, fill, h, visible } from './elements.js';
import { tree } from './json.js';
import { explainAnswer, explainReason } from './meanings.js';
import { isRefused, outcome } from './outcomes.js';
import { findSigned } from './signed.js';
import { moment, text, withLang } from './texts.js';

/**
 * A call in words of a shell. What is masked in the journal stays masked, as does the server's token if it has one: the shell
 * asks for it by name.
 */
export function curl({ door, call, request }, { origin, token }) {
  if (door === 'rpc') {
    const key = token === null ? '' : ` -H "authorization: Bearer $SOTER_SIM_TOKEN"`;
    return `curl ${quoted(`${origin}/rpc`)}${key}${sent({ jsonrpc: '2.0', id: 1, method: call, params: request ?? {} })}`;
  }
  const [method, path] = call.split(' ');
  const url = new URL(path, origin);
  for (const [name, value] of Object.entries(request?.query ?? {})) url.searchParams.append(name, value);
  // A masked value is `***` and perhaps its last characters.
  const address = quoted(url.href).replace(/([?&])(\w+)=\*\*\*[^&']*/g, (_, sign, name) => `${sign}${name}='"$${name.toUpperCase()}"'`);
  return `curl -X ${method} ${address}${request?.body === undefined ? '' : sent(request.body)}`;
}

/** A body as it was sent, also one that begins with `@`. */
function sent(body) {
  const json = quoted(JSON.stringify(body)).replace(/"(\w+)":"\*\*\*[^"']*"/g, (_, name) => `"${name}":"'"$${name.toUpperCase()}"'"`);
  return ` -H 'content-type: application/json' --data-raw ${json}`;
}

/** Whether the journal has cut something off. */
export function isCut(value) {
  return /… \(\d+ (?:bytes )?more\)|"…":"\d+ more"/.test(JSON.stringify(value ?? null));
}

function quoted(value) {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** Shows a call with all that it has inside an element. */
export function showEntry(root, entry, { bridge, say, close, diagnose }) {
  const button = (words, value, warning) => h('button', { type: 'button',
    onclick: async () => (await copy(value()) ? say(text('copied'), warning) : say(text('notCopied'))) }, text(words));
  fill(root,
    h('div', { class: 'entry-head' },
      h('button', { type: 'button', class: 'back', onclick: close }, text('entry.close')),
      h('h3', { tabIndex: -1 }, visible(entry.call)),
      h('p', { class: 'hint' }, `#${entry.number} · ${moment(entry.at)} · ${text('journal.took', { ms: (entry.microseconds / 1000).toFixed(1) })}`),
      h('div', { class: 'buttons' },
        button('entry.curl', () => curl(entry, bridge), isCut(entry.request) && text('entry.cut')),
        button('entry.json', () => JSON.stringify(entry, null, 2)),
        findSigned([entry.request, entry.answer]) && h('button', { type: 'button', onclick: () => diagnose(entry) },
          text(isRefused(entry) ? 'diagnosis.why' : 'diagnosis.check')))),
    why(entry),
    part(text('entry.request'), entry.request),
    part(text('entry.answer'), entry.answer));
}

/** Why a call was answered as it was, as far as that is known. */
function why(entry) {
  const { judgement, answer } = entry;
  if (judgement) {
    const { reason, isOk } = judgement;
    return verdict({ isGood: isOk, name: reason, title: reason.startsWith('errcode') ? 'entry.refusal' : 'entry.verdict', meant: explainReason(reason), told: withLang(judgement) });
  }
  if (answer?.error) {
    const { error, next, lang } = withLang(answer);
    return h('div', { class: 'verdict bad' }, h('strong', { lang }, visible(error)), next && h('p', { lang }, visible(next)));
  }
  const meant = isRefused(entry) && explainAnswer(answer);
  return meant && verdict({ isGood: false, name: outcome(entry), title: 'entry.refusal', meant, told: {} });
}

/** A verdict: its code as it is, what that means, what to do, and the details of this call. */
export function verdict({ isGood, name, title, values, meant, told: { detail, lang } }, ...more) {
  // Of some refusals nothing else is known.
  const isNew = detail && detail !== meant?.meaning && detail !== meant?.advice;
  return h('div', { class: `verdict ${isGood ? 'good' : 'bad'}` },
    h('strong', {}, text('entry.named', { what: text(title, values), name })),
    meant && h('p', {}, meant.meaning),
    meant && h('p', {}, meant.advice),
    isNew && h('p', { class: 'detail', lang }, visible(detail)),
    ...more);
}

function part(name, value) {
  return [h('h4', {}, name), h('div', { class: 'scrolls', tabIndex: 0, role: 'region', 'aria-label': name }, tree(value))];
}
