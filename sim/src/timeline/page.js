// The timeline of a run: a line per moment, of which only those in sight exist in the document.
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const WHAT = ['step', 'fault', 'phase', 'violation'];
  const HEIGHTS = [3, 6, 12, 17, 22, 28];
  const TIME = 104;
  const LATE = 500_000;
  const { lanes } = data;
  const moments = data.moments.map(([at, lane, what, text, from, sent], index) =>
    ({ index, at, lane, what, text, from, sent, found: text.toLowerCase() }));
  const concerned = new Set(lanes.flatMap((lane, index) => lane.concerned ? [index] : []));

  const make = (name, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };
  const draw = (name, attributes, ...children) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const millis = (micros) => (micros / 1000).toLocaleString('en', { minimumFractionDigits: 3 });

  // What is shown, and how.
  let zoom = 4;
  let shown = moments;
  let picked = new Set();
  let selected = -1;
  let hovered = -1;
  let laneWidth = 40;
  let rowOf = new Int32Array(moments.length);
  let arrows = [];

  const main = document.getElementById('run');
  main.hidden = false;
  const search = make('input', { type: 'search', placeholder: 'Text or lane', ariaLabel: 'Search text or lane' });
  const show = make('select', {}, ...[['all', 'every moment'], ['story', 'faults and what the violation concerns'],
    ['faults', 'faults and phases']].map(([value, text]) => make('option', { value, textContent: text })));
  const button = (text, title, act) => {
    const made = make('button', { type: 'button', textContent: text, title, onclick: act });
    made.setAttribute('aria-label', title);
    return made;
  };
  const every = button('All lanes', 'Show the moments of all lanes', () => { picked.clear(); filter(); });
  const closer = button('+', 'Larger rows (+)', () => rescale(zoom + 1));
  const wider = button('−', 'Smaller rows (-)', () => rescale(zoom - 1));
  const count = make('span', { className: 'count', role: 'status' });
  const glyph = (what) => draw('svg', { width: 12, height: 12, viewBox: '-6 -6 12 12', 'aria-hidden': 'true',
    class: 'of-client' }, ...mark(what, 0, 0, 5));
  const legend = make('span', { className: 'legend' }, make('span', {}, glyph(0), 'moment'),
    make('span', {}, glyph(1), 'fault'), make('span', {}, glyph(3), 'violation'));
  const tools = make('div', { className: 'tools' }, search, make('label', {}, 'Show ', show), every,
    make('span', { className: 'group' }, button('◆ ↑', 'Fault before (Shift+N)', () => step(isFault, -1)),
      button('◆ ↓', 'Next fault (N)', () => step(isFault, 1)),
      button('✕', 'The violation (V)', () => step(isViolation, 0)),
      button('↖', 'Where it came from (F)', () => follow())),
    make('span', { className: 'group' }, wider, closer), legend, count);
  const head = make('div', { className: 'head' });
  const rows = make('div', { className: 'rows' });
  const scroll = make('div', { className: 'scroll', tabIndex: 0, role: 'listbox', ariaLabel: 'Moments in order' },
    head, rows);
  const map = make('canvas', { className: 'map', title: 'The whole run: faults and the violation' });
  const dock = make('div', { className: 'dock' });
  dock.setAttribute('aria-live', 'polite');
  main.append(tools, make('div', { className: 'view' }, scroll, map), dock);

  const isFault = (moment) => moment.what === 1;
  const isViolation = (moment) => moment.what === 3;
  const height = () => HEIGHTS[zoom];
  const laneX = (lane) => TIME + (lane + .5) * laneWidth;
  const textX = () => TIME + lanes.length * laneWidth + 14;
  const label = (lane) => lanes[lane].name ? `${lanes[lane].id} · ${lanes[lane].name}` : lanes[lane].id;
  const place = (moment) => moment.from !== undefined && moment.from !== moment.lane
    ? `${lanes[moment.from].id} > ${lanes[moment.lane].id}` : lanes[moment.lane].id;

  const widest = Math.min(24, moments.reduce((most, moment) => Math.max(most, place(moment).length), 0));

  function filter() {
    const sought = search.value.trim().toLowerCase();
    const places = lanes.map((_, lane) => label(lane).toLowerCase());
    const has = (set, moment) => set.has(moment.lane) || set.has(moment.from);
    shown = moments.filter((moment) => {
      if (picked.size > 0 && !has(picked, moment)) return false;
      if (show.value === 'faults' && moment.what === 0) return false;
      if (show.value === 'story' && moment.what === 0 && !has(concerned, moment)) return false;
      return sought === '' || moment.found.includes(sought) || places[moment.lane].includes(sought)
        || (moment.from !== undefined && places[moment.from].includes(sought));
    });
    rowOf.fill(-1);
    const byLane = lanes.map(() => new Map());
    shown.forEach((moment, row) => {
      rowOf[moment.index] = row;
      byLane[moment.lane].set(moment.at, row);
    });
    // An arrow begins at the moment of its time and lane, or between the rows where that time would be.
    arrows = [];
    shown.forEach((moment, row) => {
      if (moment.from === undefined) return;
      const exact = byLane[moment.from].get(moment.sent);
      const start = exact !== undefined && exact < row ? exact : Math.min(before(moment.sent) - .5, row);
      arrows.push({ moment, row, start, exact });
    });
    every.disabled = picked.size === 0;
    count.textContent = (shown.length === moments.length ? `${moments.length.toLocaleString('en')} moments`
      : `${shown.length.toLocaleString('en')} of ${moments.length.toLocaleString('en')} moments`)
      + (data.leftOut > 0 ? `, ${data.leftOut.toLocaleString('en')} more left out` : '');
    layout();
    if (rowOf[selected] >= 0) reveal(rowOf[selected]);
  }

  // The first row at or after a time.
  function before(at) {
    let [low, high] = [0, shown.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (shown[middle].at < at) low = middle + 1; else high = middle;
    }
    return low;
  }

  function layout() {
    const room = scroll.clientWidth - TIME - Math.max(380, scroll.clientWidth * .42);
    laneWidth = Math.max(15, Math.min(88, room / Math.max(1, lanes.length)));
    const steep = laneWidth < 56;
    head.className = steep ? 'head steep' : 'head';
    head.style.height = steep ? '74px' : '42px';
    const width = Math.max(scroll.clientWidth, textX() + 300);
    head.style.width = rows.style.width = `${width}px`;
    const time = make('span', { textContent: 'ms' });
    time.style.left = `${TIME - 34}px`;
    head.replaceChildren(time, ...lanes.map((lane, index) => {
      const made = make('button', { type: 'button', title: `${label(index)}: show its moments alone`,
        className: `of-${lane.kind}${lane.concerned ? ' concerned' : ''}`,
        onclick: () => { if (!picked.delete(index)) picked.add(index); filter(); } },
        make('b', { textContent: lane.id }), make('small', { textContent: lane.name || '\u00a0' }));
      made.setAttribute('aria-pressed', picked.has(index));
      const across = steep ? Math.min(22, laneWidth) : laneWidth - 4;
      made.style.left = `${laneX(index) - across / 2}px`;
      made.style.width = `${across}px`;
      return made;
    }));
    rows.style.height = `${shown.length * height() + 8}px`;
    closer.disabled = zoom === HEIGHTS.length - 1;
    wider.disabled = zoom === 0;
    paint();
    overview();
  }

  let waiting = false;
  function paint() {
    if (!waiting) {
      waiting = true;
      requestAnimationFrame(() => { waiting = false; repaint(); });
    }
  }

  function sight() {
    // A list that has become shorter is scrolled further than it goes, for a moment.
    const reached = Math.min(Math.floor(scroll.scrollTop / height()), shown.length);
    const first = Math.max(0, reached - 4);
    const tall = Math.ceil((scroll.clientHeight || 400) / height()) + 8;
    return [first, Math.min(shown.length, first + tall)];
  }

  function repaint() {
    const [first, end] = sight();
    const made = [];
    for (let row = first; row < end; row += 1) made.push(line(row));
    if (shown.length === 0) made.push(make('div', { className: 'none', textContent: 'No moment is like that.' }));
    rows.replaceChildren(...made, diagram(first, end));
    const active = rowOf[selected] >= first && rowOf[selected] < end;
    if (active) scroll.setAttribute('aria-activedescendant', `moment-${selected}`);
    else scroll.removeAttribute('aria-activedescendant');
  }

  function line(row) {
    const moment = shown[row];
    const late = row > 0 && moment.at - shown[row - 1].at >= LATE;
    const made = make('div', { className: `row ${WHAT[moment.what]}${late ? ' late' : ''}`, role: 'option',
      id: `moment-${moment.index}` });
    made.setAttribute('aria-selected', moment.index === selected);
    made.setAttribute('aria-setsize', shown.length);
    made.setAttribute('aria-posinset', row + 1);
    made.dataset.row = row;
    made.style.cssText = `top:${row * height()}px;height:${height()}px;line-height:${height()}px;`
      + `font-size:${height() >= 17 ? 14 : 10}px`;
    if (height() < 12) return made;
    const time = make('span', { className: 'time', textContent: millis(moment.at) });
    time.style.width = `${TIME - 14}px`;
    const text = make('span', { className: 'text', title: `${place(moment)}: ${moment.text}` });
    text.style.left = `${textX()}px`;
    if (moment.what === 1) text.append(make('em', { textContent: '◆', ariaLabel: 'fault:' }));
    if (moment.what === 3) text.append(make('em', { textContent: '✕', ariaLabel: 'violation:' }));
    if (moment.what !== 2) {
      const where = make('i', { textContent: place(moment) });
      where.style.minWidth = `${widest + (moment.what === 0 ? 2 : 0)}ch`;
      text.append(where);
    }
    text.append(...highlighted(moment.text));
    made.append(time, text);
    return made;
  }

  // The text with what is searched for marked; text nodes only.
  function highlighted(text) {
    const sought = search.value.trim().toLowerCase();
    const lower = text.toLowerCase();
    // Some letters change their length: then the places would not be those of the text.
    if (sought === '' || lower.length !== text.length) return [text];
    const parts = [];
    let at = 0;
    for (let found = lower.indexOf(sought); found >= 0; found = lower.indexOf(sought, at)) {
      const end = found + sought.length;
      parts.push(text.slice(at, found), make('mark', { textContent: text.slice(found, end) }));
      at = end;
    }
    return [...parts, text.slice(at)];
  }

  function mark(what, x, y, size) {
    if (what === 1) {
      const far = size * 1.25;
      return [draw('path', { class: 'dot fault', d: `M${x} ${y - far}L${x + far} ${y}L${x} ${y + far}L${x - far} ${y}Z` })];
    }
    if (what === 3) {
      const arm = size * .55;
      return [draw('rect', { class: 'dot violation', x: x - size * 1.2, y: y - size * 1.2, width: size * 2.4,
        height: size * 2.4, rx: 1.5 }), draw('path', { class: 'cross',
        d: `M${x - arm} ${y - arm}L${x + arm} ${y + arm}M${x - arm} ${y + arm}L${x + arm} ${y - arm}` })];
    }
    if (what === 2) return [draw('rect', { class: 'dot', x: x - size, y: y - 1.5, width: size * 2, height: 3 })];
    return [draw('circle', { class: 'dot', cx: x, cy: y, r: size })];
  }

  function diagram(first, end) {
    const top = first * height();
    const y = (row) => (row + .5) * height() - top;
    const size = Math.max(1.6, Math.min(5, height() * .24, laneWidth * .3));
    const drawn = [];
    lanes.forEach((lane, index) => drawn.push(draw('line', { class: `lane of-${lane.kind}`
      + (lane.concerned ? ' concerned' : ''), x1: laneX(index), x2: laneX(index), y1: 0, y2: (end - first) * height() })));
    const crowd = arrows.filter((arrow) => arrow.row >= first && arrow.start < end);
    const lit = [];
    for (const arrow of crowd) {
      const { moment } = arrow;
      const bright = moment.index === selected || moment.index === hovered
        || (arrow.exact !== undefined && shown[arrow.exact].index === selected);
      const [x1, y1, x2, y2] = [laneX(moment.from), y(arrow.start), laneX(moment.lane), y(arrow.row)];
      const long = Math.hypot(x2 - x1, y2 - y1) || 1;
      const [dx, dy] = [(x2 - x1) / long, (y2 - y1) / long];
      const [tx, ty] = [x2 - dx * size, y2 - dy * size];
      const wing = Math.min(6, size * 1.5);
      const kind = `of-${lanes[moment.from].kind}`;
      const tone = bright ? ' lit' : arrow.row - arrow.start > 40 || crowd.length > 160 ? ' dim' : '';
      (bright ? lit : drawn).push(draw('path', { class: `arrow ${kind}${tone}`, d: `M${x1} ${y1}L${tx} ${ty}` }));
      if (height() >= 12) {
        (bright ? lit : drawn).push(draw('path', { class: `tip ${kind}`, d: `M${tx} ${ty}`
          + `L${tx - dx * wing - dy * wing * .5} ${ty - dy * wing + dx * wing * .5}`
          + `L${tx - dx * wing + dy * wing * .5} ${ty - dy * wing - dx * wing * .5}Z` }));
      }
    }
    drawn.push(...lit);
    for (let row = first; row < end; row += 1) {
      const moment = shown[row];
      const kind = `of-${lanes[moment.lane].kind}`;
      drawn.push(draw('g', { class: kind }, ...mark(moment.what, laneX(moment.lane), y(row),
        moment.what === 0 ? size : Math.max(3.2, size))));
      if (moment.index === selected) {
        drawn.push(draw('circle', { class: 'ring', cx: laneX(moment.lane), cy: y(row), r: Math.max(6, size * 2) }));
      }
    }
    const picture = draw('svg', { width: textX(), height: (end - first) * height(), 'aria-hidden': 'true' }, ...drawn);
    picture.style.top = `${top}px`;
    return picture;
  }

  // The strip at the right: the whole run at once, and what part of it is in sight.
  function overview() {
    const [wide, tall, scale] = [18, map.clientHeight, window.devicePixelRatio || 1];
    map.width = wide * scale;
    map.height = tall * scale;
    const pen = map.getContext('2d');
    pen.scale(scale, scale);
    const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
    const total = Math.max(1, shown.length);
    pen.fillStyle = colour('--line');
    const all = Math.max(1, total * height() + head.offsetHeight);
    pen.fillRect(0, scroll.scrollTop / all * tall, wide, Math.max(6, scroll.clientHeight / all * tall));
    const searching = search.value.trim() !== '';
    shown.forEach((moment, row) => {
      if (moment.what === 0 && !searching) return;
      pen.fillStyle = colour(['--client', '--fault', '--quiet', '--broken'][moment.what]);
      const deep = moment.what === 3 ? 4 : moment.what === 1 ? 2 : 1;
      pen.fillRect(moment.what === 3 ? 1 : 4, row / total * tall - deep / 2, moment.what === 3 ? 16 : 10, deep);
    });
  }

  function reveal(row) {
    const [top, room] = [row * height(), scroll.clientHeight - head.offsetHeight];
    if (top < scroll.scrollTop || top + height() > scroll.scrollTop + room) {
      scroll.scrollTop = Math.max(0, top - room / 2);
    }
    paint();
  }

  function select(row) {
    if (shown.length === 0) return;
    const moment = shown[Math.max(0, Math.min(shown.length - 1, row))];
    selected = moment.index;
    reveal(rowOf[selected]);
    const where = make('p', { className: `where of-${lanes[moment.lane].kind}` }, `${millis(moment.at)} ms · `,
      make('b', { textContent: label(moment.lane) }));
    if (moment.from !== undefined) {
      where.append(` · from ${label(moment.from)}, sent at ${millis(moment.sent)} ms, `
        + `${millis(moment.at - moment.sent)} ms on its way`);
    }
    const said = ['', '◆ Fault: ', 'Phase: ', '✕ Violation: '][moment.what];
    dock.replaceChildren(where, make('p', { className: 'text', textContent: said + moment.text }));
  }

  function step(is, by) {
    let row = by === 0 ? shown.findIndex(is) : rowOf[selected] ?? -1;
    if (by !== 0) {
      row += by;
      while (row >= 0 && row < shown.length && !is(shown[row])) row += by;
    }
    if (row >= 0 && row < shown.length) select(row);
  }

  function follow() {
    const moment = moments[selected];
    if (moment === undefined || moment.from === undefined) return;
    let row = before(moment.sent + 1) - 1;
    while (row >= 0 && shown[row].lane !== moment.from) row -= 1;
    if (row >= 0) select(row);
  }

  function rescale(to) {
    const [first] = sight();
    const anchor = rowOf[selected] >= 0 ? rowOf[selected] : first;
    zoom = Math.max(0, Math.min(HEIGHTS.length - 1, to));
    layout();
    scroll.scrollTop = Math.max(0, anchor * height() - scroll.clientHeight / 2);
  }

  const page = () => Math.max(1, Math.floor(scroll.clientHeight / height()) - 3);
  const keys = {
    ArrowDown: () => select(rowOf[selected] + 1), ArrowUp: () => select(rowOf[selected] - 1),
    j: () => select(rowOf[selected] + 1), k: () => select(rowOf[selected] - 1),
    PageDown: () => select(rowOf[selected] + page()), PageUp: () => select(rowOf[selected] - page()),
    Home: () => select(0), End: () => select(shown.length - 1),
    n: () => step(isFault, 1), N: () => step(isFault, -1), v: () => step(isViolation, 0), f: () => follow(),
    '+': () => rescale(zoom + 1), '=': () => rescale(zoom + 1), '-': () => rescale(zoom - 1),
    '/': () => search.focus(),
  };
  document.addEventListener('keydown', (event) => {
    if (event.target === search && event.key === 'Escape') { search.value = ''; filter(); scroll.focus(); return; }
    if (event.target === search && event.key === 'Enter') { scroll.focus(); select(0); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || ['INPUT', 'SELECT'].includes(event.target.tagName)) return;
    const moves = /^(Arrow|Page|Home|End)/.test(event.key);
    if (keys[event.key] && (!moves || event.target === scroll || event.target === document.body)) {
      event.preventDefault();
      keys[event.key]();
    }
  });
  const rowAt = (event) => event.target.closest('.row');
  rows.addEventListener('click', (event) => { const row = rowAt(event); if (row) select(Number(row.dataset.row)); });
  rows.addEventListener('mouseover', (event) => {
    const row = rowAt(event);
    const now = row ? shown[row.dataset.row]?.index ?? -1 : -1;
    if (now === hovered) return;
    hovered = now;
    // The diagram alone: the rows under the pointer stay as they are.
    const [first, end] = sight();
    rows.lastChild?.replaceWith(diagram(first, end));
  });
  scroll.addEventListener('scroll', () => { paint(); requestAnimationFrame(overview); });
  scroll.addEventListener('wheel', (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    rescale(zoom + (event.deltaY < 0 ? 1 : -1));
  }, { passive: false });
  const jump = (event) => {
    if (event.buttons !== 1) return;
    const share = (event.clientY - map.getBoundingClientRect().top) / map.clientHeight;
    scroll.scrollTop = share * shown.length * height() - scroll.clientHeight / 2;
  };
  map.addEventListener('mousedown', jump);
  map.addEventListener('mousemove', jump);
  let pause = 0;
  search.addEventListener('input', () => { clearTimeout(pause); pause = setTimeout(filter, 120); });
  show.addEventListener('change', filter);
  window.addEventListener('resize', layout);
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', overview);

  const command = document.getElementById('reproduce');
  const copy = button('Copy', 'Copy the command', () => {
    getSelection().selectAllChildren(command);
    navigator.clipboard?.writeText(command.textContent).then(() => { copy.textContent = 'Copied'; }, () => {});
  });
  command.after(copy);

  const key = (name) => make('kbd', { textContent: name });
  dock.after(make('p', { className: 'keys' }, key('↑'), key('↓'), ' moment  ', key('N'), ' fault  ', key('V'),
    ' violation  ', key('F'), ' where it came from  ', key('/'), ' search  ', key('+'), key('−'),
    ' zoom; a click on a lane’s name shows its moments alone'));
  filter();
  // A failure is read from its end.
  requestAnimationFrame(() => {
    layout();
    if (moments.some(isViolation)) step(isViolation, 0);
    else if (document.querySelector('.broken')) select(shown.length - 1);
  });
})();
