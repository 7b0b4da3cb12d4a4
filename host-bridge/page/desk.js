// The phones on the desk: chosen, made and removed.

import { fill, h, labelled, title } from './elements.js';
import { spoken, text } from './texts.js';

/** Phones that are listed at once; a longer list is filtered. */
const MOST_LISTED = 100;

/** The choice in the page's head. */
export function picker(select, { state, act }) {
  select.addEventListener('change', () => act('device.select', { name: select.value }));
  let drawn = '';
  const draw = () => {
    const listed = state.devices.slice(0, MOST_LISTED).map(({ name }) => name);
    if (state.selected && !listed.includes(state.selected)) listed.push(state.selected);
    if (drawn !== listed.join()) {
      drawn = listed.join();
      fill(select, listed.map((name) => h('option', { value: name }, name)));
    }
    select.value = state.selected;
    select.disabled = !state.online;
  };
  state.addEventListener('change', draw);
  draw();
}

export function desk(root, { state, act, ask }) {
  const filter = h('input', { type: 'search', id: 'desk-filter', oninput: search });
  const list = h('ul', { class: 'list' });
  const more = h('p', { class: 'hint' });

  const name = h('input', { id: 'desk-name', required: true, maxLength: 64, pattern: '[a-z0-9][a-z0-9\\-]*', autocomplete: 'off', spellcheck: false });
  const profile = h('select', { id: 'desk-profile' });
  const seed = h('input', { id: 'desk-seed', maxLength: 256, autocomplete: 'off', spellcheck: false, 'aria-describedby': 'desk-seed-hint' });
  const form = h('form', { class: 'create', onsubmit: create },
    labelled(name, 'desk.name'), labelled(profile, 'desk.profile'), labelled(seed, 'desk.seed'),
    h('p', { class: 'hint', id: 'desk-seed-hint', 'data-text': 'desk.seedHint' }),
    h('button', { type: 'submit', class: 'strong', 'data-text': 'desk.add' }));

  const reset = h('button', { type: 'button', class: 'danger', 'data-text': 'desk.reset', onclick: () => ask(reset, () => act('desk.reset')) });
  root.append(
    title('desk.phones'), labelled(filter, 'desk.filter'), list, more,
    title('desk.create'), form,
    title('desk.reset'), h('div', { class: 'row' }, h('p', { class: 'hint', 'data-text': 'desk.resetHint' }), reset));
  let drawn = '';

  async function create(event) {
    event.preventDefault();
    const made = await act('device.create', { name: name.value, profile: profile.value, ...(seed.value ? { seed: seed.value } : {}) });
    if (made) form.reset();
  }

  const wantedText = () => filter.value.trim().toLowerCase();

  function search() {
    state.find(wantedText());
    draw();
  }

  function draw() {
    drawProfiles();
    const wanted = wantedText();
    const fitting = state.devices.filter((phone) => `${phone.name} ${phone.profile}`.toLowerCase().includes(wanted));
    const shown = JSON.stringify([fitting.slice(0, MOST_LISTED), fitting.length, state.hasMore, state.selected, spoken()]);
    // A question that is open is answered first.
    if (shown === drawn || list.querySelector('[data-asks]')) return;
    drawn = shown;
    fill(list, fitting.slice(0, MOST_LISTED).map(entry));
    const left = fitting.length - MOST_LISTED;
    if (state.hasMore) more.textContent = text('desk.manyMore');
    else more.textContent = left > 0 ? text('desk.more', { count: left }) : '';
  }

  /** Left alone while they say the same: somebody may have the list open. */
  function drawProfiles() {
    const families = state.profiles.map((family) => [family.name, text('entry.named', { what: family.name, name: family.description })]);
    if (profile.dataset.shown === families.join()) return;
    profile.dataset.shown = families.join();
    const chosen = profile.value;
    fill(profile, families.map(([value, words]) => h('option', { value }, words)));
    if (chosen) profile.value = chosen;
  }

  function entry(phone) {
    const { name: device } = phone;
    const isSelected = device === state.selected;
    const remove = h('button', { type: 'button', class: 'danger', onclick: () => ask(remove, () => act('device.remove', { name: device })) },
      text('desk.remove', { device }));
    return h('li', isSelected ? { 'aria-current': 'true' } : {},
      h('span', {}, h('strong', {}, device), ` ${phone.profile}`, phone.seeded ? ` · ${text('desk.seeded')}` : '', isSelected ? ` · ${text('desk.selected')}` : ''),
      isSelected ? null : h('button', { type: 'button', onclick: () => act('device.select', { name: device }) }, text('desk.select', { device })),
      state.devices.length > 1 && !phone.fleet ? remove : null);
  }

  state.addEventListener('change', draw);
  draw();
}
