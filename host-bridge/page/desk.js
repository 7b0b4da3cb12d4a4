// The phones on the desk: chosen, made and removed.

import { fill, h, write } from './elements.js';
import { meaning } from './meanings.js';
import { text } from './texts.js';

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
  const titles = ['desk.phones', 'desk.create', 'desk.anew'].map((name) => [name, h('h3', {})]);
  const filter = h('input', { type: 'search', id: 'desk-filter', oninput: draw });
  const filterLabel = h('label', { for: 'desk-filter' });
  const list = h('ul', { class: 'list' });
  const more = h('p', { class: 'hint' });

  const name = h('input', { id: 'desk-name', required: true, maxLength: 64, pattern: '[a-z0-9][a-z0-9\\-]*', autocomplete: 'off', spellcheck: false });
  const profile = h('select', { id: 'desk-profile' });
  const seed = h('input', { id: 'desk-seed', maxLength: 256, autocomplete: 'off', spellcheck: false, 'aria-describedby': 'desk-seed-hint' });
  const seedHint = h('p', { class: 'hint', id: 'desk-seed-hint' });
  const labels = [[name, 'desk.name'], [profile, 'desk.profile'], [seed, 'desk.seed']].map(([field, words]) => [words, h('label', { for: field.id })]);
  const add = h('button', { type: 'submit', class: 'strong' });
  const form = h('form', { class: 'create', onsubmit: create },
    labels.map(([, label], index) => h('div', { class: 'stack' }, label, [name, profile, seed][index])), seedHint, add);

  const anew = h('button', { type: 'button', class: 'danger', onclick: () => ask(anew, () => act('desk.reset')) });
  const anewHint = h('p', { class: 'hint' });
  root.append(titles[0][1], h('div', { class: 'stack' }, filterLabel, filter), list, more, titles[1][1], form, titles[2][1],
    h('div', { class: 'row' }, anewHint, anew));
  let drawn = '';

  async function create(event) {
    event.preventDefault();
    const made = await act('device.create', { name: name.value, profile: profile.value, ...(seed.value ? { seed: seed.value } : {}) });
    if (made) form.reset();
  }

  function draw() {
    for (const [words, title] of titles) write(title, text(words));
    for (const [words, label] of labels) write(label, text(words));
    write(filterLabel, text('desk.filter'));
    write(add, text('desk.add'));
    write(seedHint, text('desk.seedHint'));
    write(anewHint, text('desk.anewHint'));
    if (!anew.dataset.asks) write(anew, text('desk.anew'));
    drawProfiles();
    const wanted = filter.value.trim().toLowerCase();
    const fitting = state.devices.filter((phone) => `${phone.name} ${phone.profile}`.toLowerCase().includes(wanted));
    const shown = JSON.stringify([fitting.slice(0, MOST_LISTED), fitting.length, state.selected, text('desk.phones')]);
    // A question that is open is answered first.
    if (shown === drawn || list.querySelector('[data-asks]')) return;
    drawn = shown;
    fill(list, fitting.slice(0, MOST_LISTED).map(entry));
    more.textContent = fitting.length > MOST_LISTED ? text('desk.more', { count: fitting.length - MOST_LISTED }) : '';
  }

  /** Left alone while they say the same: somebody may have the list open. */
  function drawProfiles() {
    const families = state.profiles.map(({ name: family, description }) => [family, `${family}: ${meaning(`profile.${family}`) ?? description}`]);
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
      state.devices.length > 1 ? remove : null);
  }

  state.addEventListener('change', draw);
  draw();
}
