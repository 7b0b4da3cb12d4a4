// Who is enrolled, who the phone is, and its keys.

import { copy, fill, h } from './elements.js';
import { moment, text } from './texts.js';

export function keys(root, { state, act, ask, say }) {
  const enrolled = h('div', {});
  const identity = h('dl', { class: 'facts' });
  const table = h('div', { class: 'scrolls' });
  const titles = ['keys.enrolled', 'keys.identity', 'keys.keys'].map((name) => [name, h('h3', {})]);
  root.append(titles[0][1], enrolled, titles[1][1], identity, titles[2][1], table);
  const drawn = ['', ''];

  function draw() {
    for (const [name, title] of titles) title.textContent = text(name);
    const { device } = state;
    if (!device) return;
    // The lists are left alone while they say the same, so that the focus and a question stay.
    const shown = [JSON.stringify([device.biometrics, state.selected, text('unlock')]), JSON.stringify([state.keys, text('unlock')])];
    // A question that is open is answered first.
    if (shown[0] !== drawn[0] && !enrolled.querySelector('[data-asks]')) {
      drawn[0] = shown[0];
      drawEnrolled(device);
    }
    if (shown[1] !== drawn[1]) {
      drawn[1] = shown[1];
      drawKeys();
    }
    const facts = {
      cpu_id: device.cpuId,
      [text('keys.counter')]: String(device.counter),
      [text('keys.clock')]: moment(device.clock, true),
      [text('keys.user')]: `${device.user.name} · ${device.user.openid}`,
      appid: device.user.appid,
    };
    fill(identity, Object.entries(facts).map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
  }

  function drawEnrolled({ biometrics: { enrolments, lockouts } }) {
    const canFace = state.profiles.find(({ name }) => name === state.device.profile)?.modes.includes('facial');
    const enroll = (mode, words) => h('button', { type: 'button', onclick: () => act('biometric.enroll', { mode }) }, text(words));
    fill(enrolled,
      h('ul', { class: 'list' }, enrolments.map(({ number, mode, fid }) => {
        const what = text(mode === 'facial' ? 'sensor.face' : 'sensor.finger', { number });
        const remove = h('button', { type: 'button', class: 'danger',
          onclick: () => ask(remove, () => act('biometric.remove', { number })) }, text('keys.remove', { what }));
        return h('li', {}, h('span', {}, what), h('code', {}, `fid ${fid}`), remove);
      })),
      lockouts.map(({ mode, failedAttempts }) => h('p', { class: 'bad' }, `${text(`mode.${mode}`)}: ${text('locked.failures', { count: failedAttempts })} `,
        h('button', { type: 'button', onclick: () => act('biometric.unlock') }, text('unlock')))),
      h('div', { class: 'buttons' }, enroll('fingerPrint', 'keys.enrollFinger'), canFace ? enroll('facial', 'keys.enrollFace') : null),
      h('p', { class: 'hint' }, text('keys.enrollHint')));
  }

  function drawKeys() {
    if (state.keys.length <= 1 && state.keys.every(({ kind }) => kind === 'attk')) {
      // The device's root key is there from the factory.
      fill(table, keyTable(), h('p', { class: 'hint' }, text('keys.noKeys')));
    } else fill(table, keyTable());
  }

  function keyTable() {
    const kinds = { attk: 'ATTK', ask: 'ASK', authkey: 'AuthKey' };
    const row = ({ kind, uid, name, fingerprint, publicKey, valid }) => h('tr', { class: valid ? '' : 'invalid' },
      h('th', { scope: 'row' }, kinds[kind], valid ? null : h('span', { class: 'bad' }, ` ${text('keys.invalid')}`)),
      h('td', {}, [uid, name].filter(Boolean).join(' · ')),
      h('td', {}, h('code', {}, `${fingerprint.slice(0, 16)}…`)),
      h('td', {}, h('button', { type: 'button', onclick: async () => say(await copy(publicKey) ? text('copied') : text('notCopied')) }, text('keys.copy'))));
    return h('table', {},
      h('thead', {}, h('tr', {}, ['keys.kind', 'keys.owner', 'keys.fingerprint'].map((name) => h('th', { scope: 'col' }, text(name))), h('td', {}))),
      h('tbody', {}, state.keys.map(row)));
  }

  state.addEventListener('change', draw);
  draw();
}
