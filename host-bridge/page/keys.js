// Who is enrolled, who the phone is, and its keys.

import { copy, fill, h, title, visible, write } from './elements.js';
import { moment, spoken, text } from './texts.js';

export function keys(root, { state, act, ask, say }) {
  const enrolled = h('div', {});
  const identity = h('dl', { class: 'facts' });
  const user = h('dl', { class: 'facts', id: 'keys-user' });
  const table = h('div', { class: 'scrolls' });
  root.append(title('keys.enrolled'), enrolled, title('keys.identity'), identity, title('keys.user'), user, title('keys.keys'), table);
  let enrolledDrawn = '';
  let keysDrawn = '';

  function draw() {
    const { device } = state;
    if (!device) return;
    // The lists are left alone while they say the same in the same language, so that the focus and a question stay.
    const enrolledShown = JSON.stringify([device.biometrics, state.selected, spoken()]);
    const keysShown = JSON.stringify([state.keys, spoken()]);
    // A question that is open is answered first.
    if (enrolledShown !== enrolledDrawn && !enrolled.querySelector('[data-asks]')) {
      enrolledDrawn = enrolledShown;
      drawEnrolled(device);
    }
    if (keysShown !== keysDrawn) {
      keysDrawn = keysShown;
      drawKeys();
    }
    drawIdentity(device);
  }

  function drawIdentity(device) {
    drawFacts(identity, [
      ['cpu_id', device.cpuId],
      [text('keys.counter'), String(device.counter)],
      [text('keys.clock'), moment(state.clock, true)],
    ]);
    const { name, openid, unionid, appid } = device.user;
    drawFacts(user, [
      [text('keys.name'), name],
      ['openid', openid],
      ...(unionid ? [['unionid', unionid]] : []),
      ['appid', appid],
      ...device.apps.map((app) => [text('keys.uid', app), String(app.uid)]),
    ]);
  }

  /** Draws pairs of a name and a value, piece by piece: what somebody has marked to copy it stays marked. */
  function drawFacts(list, facts) {
    const pieces = facts.flat();
    if (list.children.length !== pieces.length) fill(list, pieces.map((_, index) => h(index % 2 === 0 ? 'dt' : 'dd')));
    pieces.forEach((words, index) => write(list.children[index], words));
  }

  function drawEnrolled({ biometrics: { enrolments, lockouts } }) {
    const enroll = (mode, words) => h('button', { type: 'button', onclick: () => act('biometric.enroll', { mode }) }, text(words));
    fill(enrolled,
      enrolments.length === 0 && h('p', { class: 'hint' }, text('sensor.none')),
      h('ul', { class: 'list' }, enrolments.map(({ number, mode, fid }) => {
        const what = text(mode === 'facial' ? 'sensor.face' : 'sensor.finger', { number });
        const remove = h('button', { type: 'button', class: 'danger',
          onclick: () => ask(remove, () => act('biometric.remove', { number })) }, text('keys.remove', { what }));
        return h('li', {}, h('span', {}, what), fid ? h('code', {}, `fid ${fid}`) : null, remove);
      })),
      lockouts.map(({ mode, failedAttempts }) => h('p', { class: 'bad' }, text('entry.named', { what: text(`mode.${mode}`), name: text('locked.failures', { count: failedAttempts }) }), ' ',
        h('button', { type: 'button', onclick: () => act('biometric.unlock') }, text('unlock')))),
      h('div', { class: 'buttons' }, enroll('fingerPrint', 'keys.enrollFinger'), state.familyModes.includes('facial') && enroll('facial', 'keys.enrollFace')),
      h('p', { class: 'hint' }, text('keys.enrollHint')));
  }

  function drawKeys() {
    // The device's root key is there from the factory.
    const isNew = state.keys.every(({ kind }) => kind === 'attk');
    fill(table, keyTable(), isNew && h('p', { class: 'hint' }, text('keys.noKeys')));
  }

  function keyTable() {
    const kinds = { attk: 'ATTK', ask: 'ASK', authkey: 'AuthKey' };
    const row = ({ kind, uid, name, fingerprint, publicKey, valid }) => h('tr', { role: 'row', class: valid ? '' : 'invalid' },
      h('th', { scope: 'row', role: 'rowheader' }, kinds[kind], valid ? null : h('span', { class: 'bad' }, ` ${text('keys.invalid')}`)),
      h('td', { role: 'cell' }, visible([uid, name].filter(Boolean).join(' · '))),
      h('td', { role: 'cell' }, h('code', { title: fingerprint }, `${fingerprint.slice(0, 16)}…`)),
      h('td', { role: 'cell' }, h('button', { type: 'button', 'aria-label': text('entry.named', { what: text('keys.copy'), name: [kinds[kind], uid, name].filter(Boolean).join(' ') }), onclick: async () => say(await copy(publicKey) ? text('copied') : text('notCopied')) }, text('keys.copy'))));
    // Roles, because a table that is drawn as cards would lose its own.
    return h('table', { role: 'table' },
      h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' },
        ['keys.kind', 'keys.owner', 'keys.fingerprint'].map((name) => h('th', { scope: 'col', role: 'columnheader' }, text(name))), h('td', { role: 'cell' }))),
      h('tbody', { role: 'rowgroup' }, state.keys.map(row)));
  }

  state.addEventListener('change', draw);
  // The phone's clock goes on while nothing else changes.
  setInterval(() => state.device && !root.hidden && drawIdentity(state.device), 1000);
  draw();
}
