// Why a signature was refused: what `soter-sim verify` says of a text, its signature and a key that somebody pastes, or that a
// call of the journal has.

import { isSameCall } from './calls.js';
import { fill, h, title, visible } from './elements.js';
import { isCut, verdict } from './entry.js';
import { explainReason } from './meanings.js';
import { isRefused, outcome } from './outcomes.js';
import { findSigned, findSignedIn } from './signed.js';
import { text, withLang } from './texts.js';

/** Bytes of one check, as JSON. The server ends a connection whose message is larger than 256 KiB. */
const MOST_BYTES = 200_000;
/** Keys of a phone that are tried, those of the text's uid first. */
const MOST_KEYS = 8;
const PARTS = ['json', 'signature', 'key'];

/** What cannot be checked: `told` has the names of its two lines, what happened and what to do, and `part` the field. */
class Unusable extends Error {
  constructor(told, values = {}, part = undefined) {
    super(told);
    Object.assign(this, { told, values, part });
  }
}

export function diagnosis(root, { bridge, state }) {
  /** The texts of fields as they came: a field shows each line end as LF. */
  const exact = new Map();
  const [json, signature, key] = PARTS.map((part) => {
    const field = h('textarea', { id: `diagnosis-${part}`, rows: part === 'json' ? 5 : 3, spellcheck: false, autocomplete: 'off', oninput: changed,
      'aria-describedby': `diagnosis-${part}-hint diagnosis-${part}-error`,
      onpaste: ({ clipboardData }) => keep(field, clipboardData.getData('text/plain')) });
    return field;
  });
  const row = (field) => h('div', { class: 'stack' },
    h('label', { for: field.id, 'data-text': field.id.replace('-', '.') }),
    field,
    h('p', { class: 'hint', id: `${field.id}-hint`, 'data-text': `${field.id.replace('-', '.')}Hint` }),
    h('div', { class: 'bad', id: `${field.id}-error` }));
  const result = h('div', { class: 'diagnosis-result', tabIndex: -1, role: 'status', 'data-label': 'diagnosis.result' });
  root.append(
    title('diagnosis.why'),
    h('p', { class: 'hint', 'data-text': 'diagnosis.hint' }),
    h('form', { class: 'diagnosis', noValidate: true, onsubmit: (event) => { event.preventDefault(); run(); } },
      row(json), row(signature), row(key),
      h('div', { class: 'buttons' },
        h('button', { type: 'submit', class: 'strong', 'data-text': 'diagnosis.run' }),
        h('button', { type: 'button', 'data-text': 'diagnosis.clear', onclick: clear }))),
    result);

  /** The call that the fields were filled from, until somebody changes them. */
  let source = null;
  /** What is shown: `{answer, tried, device}`, `{error}`, `{isRunning}` or nothing. */
  let shown = {};
  /** The number of the latest check; what an earlier one finds is not shown. */
  let latest = 0;

  function keep(field, given) {
    exact.set(field, { given, shown: given.replace(/\r\n?/g, '\n') });
  }

  function put(field, given) {
    keep(field, given);
    field.value = given;
  }

  /** What a field was given, with its own line ends if it still shows just that. */
  function given(field) {
    const kept = exact.get(field);
    return kept?.shown === field.value ? kept.given : field.value;
  }

  function changed() {
    source = null;
    show({});
  }

  function clear() {
    for (const field of [json, signature, key]) put(field, '');
    changed();
    json.focus();
  }

  function show(found) {
    latest += 1;
    shown = found;
    draw();
  }

  async function run() {
    show({ isRunning: true });
    const mine = latest;
    const found = await check().catch((error) => ({ error }));
    if (mine !== latest) return;
    show(found);
    if (found.error?.part) found.error.part.focus();
    else result.focus({ preventScroll: true });
    result.scrollIntoView({ block: 'nearest' });
  }

  /** Has the server check what is in the fields, without a key with those of the phone. Throws `Unusable`, or what the bridge throws. */
  async function check(phone = state.device ?? {}) {
    unpack();
    if (given(json).trim() === '') throw new Unusable('diagnosis.noJson', {}, json);
    if (given(signature).trim() === '') throw new Unusable('diagnosis.noSignature', {}, signature);
    if (/PRIVATE KEY-----/.test(key.value)) throw new Unusable('diagnosis.privateKey', {}, key);
    const params = { json: given(json), signature: given(signature), key: given(key) };
    const bytes = new TextEncoder().encode(JSON.stringify(params)).length;
    if (bytes > MOST_BYTES) throw new Unusable('diagnosis.tooLarge', { bytes, limit: MOST_BYTES }, json);
    const verify = (publicKey) => bridge.call('verify.signature', { ...params, key: publicKey });
    if (params.key.trim() !== '') return { answer: await verify(params.key) };
    return checkWithKeysOfPhone(phone, params.json, verify);
  }

  /** Takes the text and the signature out of an object that has both, if nothing else was given. */
  function unpack() {
    const found = signature.value.trim() === '' && findSignedIn(json.value);
    if (!found) return;
    put(json, found.json);
    put(signature, found.signature);
    if (key.value.trim() === '') put(key, found.key);
  }

  /** Tries a phone's AuthKeys. The first that says more than that the signature is another's is the right one. */
  async function checkWithKeysOfPhone({ name: device, cpuId }, words, verify) {
    const { keys } = await bridge.call('keys.list', { device });
    const [, uid] = words.match(/uid\W{1,8}(\d+)/) ?? [];
    const authKeys = keys.filter(({ kind }) => kind === 'authkey');
    if (authKeys.length === 0) throw new Unusable('diagnosis.noKey', { device }, key);
    const isLikely = (each) => Number(each.uid === uid) * 2 + Number(each.valid);
    const ordered = [...authKeys].sort((one, other) => isLikely(other) - isLikely(one)).slice(0, MOST_KEYS);
    const [, other] = words.match(/cpu_id\W{1,8}([0-9a-f]{8,})/) ?? [];
    const about = { device, cpuId, other: other === cpuId ? undefined : other };
    let first;
    for (const tried of ordered) {
      const answer = await verify(tried.publicKey);
      if (answer.reason !== 'wrong-signature') return { ...about, answer, used: tried };
      first ??= answer;
    }
    return { ...about, answer: first, tried: ordered.length };
  }

  function draw() {
    const { error } = shown;
    for (const field of [json, signature, key]) {
      const isWrong = error?.part === field;
      if (isWrong) field.setAttribute('aria-invalid', 'true');
      else field.removeAttribute('aria-invalid');
      fill(root.querySelector(`#${field.id}-error`), isWrong && lines(error));
    }
    fill(result,
      source && drawSource(),
      shown.isRunning && h('p', { class: 'hint' }, text('diagnosis.runs')),
      error && !error.part && h('div', { class: 'verdict bad' }, lines(error)),
      shown.answer && drawAnswer());
  }

  /** What happened, and what to do. */
  function lines(error) {
    const { told, values } = error;
    if (told) return [h('p', {}, visible(text(told, values))), h('p', { class: 'hint' }, text(`${told}Next`))];
    const { what = text('offline.notSent'), next, lang } = withLang(error);
    return [h('p', { lang }, visible(what)), next && h('p', { lang }, visible(next))];
  }

  function drawSource() {
    const { number, judgement, request, answer } = source;
    return [
      verdict({ isGood: !isRefused(source), name: outcome(source), title: 'diagnosis.from', values: { number },
        meant: judgement && explainReason(judgement.reason), told: judgement ? withLang(judgement) : {} }),
      isCut([request, answer]) && h('p', { class: 'hint' }, text('diagnosis.cut')),
    ];
  }

  function drawAnswer() {
    const { answer, used, tried, device, cpuId, other } = shown;
    const told = withLang(answer);
    const { remarks = [], lang } = told;
    // It is the signature that is good; a call that has it may be refused all the same.
    const known = explainReason(answer.reason);
    const meant = answer.valid ? { ...known, meaning: text('diagnosis.valid') } : known;
    return verdict({ isGood: answer.valid, name: answer.reason, title: 'diagnosis.signatureIs', meant, told },
      answer.saltLength !== undefined && h('p', { class: 'detail' }, text('diagnosis.salt', { bytes: answer.saltLength })),
      used && h('p', { class: 'detail' }, visible(text('diagnosis.keyIs', { name: used.name, device }))),
      tried && h('p', { class: 'detail' }, text('diagnosis.tried', { count: tried, device })),
      other && !answer.valid && h('p', {}, text('diagnosis.otherPhone', { other, device, own: cpuId })),
      remarks.length > 0 && h('ul', { class: 'remarks', lang }, remarks.map((remark) => h('li', {}, visible(remark)))));
  }

  /** Fills the fields from a call of the journal, and checks them. */
  function diagnose(entry) {
    const found = findSigned([entry.request, entry.answer]);
    put(json, found.json);
    put(signature, found.signature);
    put(key, found.key);
    source = entry;
    run();
  }

  /** Says all again in another language: what the server says, by asking for it once more when it is there again. */
  function speak() {
    draw();
    if (shown.answer || shown.isRunning) bridge.addEventListener('online', runAgain, { once: true });
  }

  /** Fetches what is shown in another language. What cannot be fetched stays as it is, as do the focus and the place. */
  async function runAgain() {
    if (!shown.answer) return;
    const mine = latest;
    const asked = source;
    const phone = shown.device === undefined ? undefined : { name: shown.device, cpuId: shown.cpuId };
    const [again] = asked ? await bridge.journal({ after: asked.number - 1, limit: 1 }).catch(() => []) : [];
    const found = await check(phone).catch(() => shown);
    // Something else was asked meanwhile.
    if (mine !== latest) return;
    if (again && isSameCall(again, asked)) source = again;
    show(found);
  }

  return { diagnose, speak };
}
