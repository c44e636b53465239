// The live page: asks /api/status once a second and writes what comes into the document. Nothing else is behind it.
const PERIOD_MS = 1000;
const HISTORY = 60;
const $ = (selector) => document.querySelector(selector);
const count = new Intl.NumberFormat('en-US');
const decimal = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });
const histories = { published: [], applied: [], lag: [] };
let previous = null;
let lastDeadLetters = null;

const formats = {
  share: (value) => `${decimal.format(value * 100)} %`,
  bytes,
  'bytes-rate': (value) => `${bytes(value)}/s`,
  ms: (value) => `${decimal.format(value)} ms`,
  yes: (value) => (value ? 'yes' : 'no'),
  duration(seconds) {
    const whole = Math.floor(seconds);
    const parts = [[Math.floor(whole / 86400), 'd'], [Math.floor(whole / 3600) % 24, 'h'], [Math.floor(whole / 60) % 60, 'min'], [whole % 60, 's']];
    const first = Math.max(0, parts.findIndex(([amount]) => amount > 0));
    return (whole < 60 ? [parts[3]] : parts.slice(first, first + 2)).map(([amount, unit]) => `${amount} ${unit}`).join(' ');
  },
};

function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10));
  return `${power === 0 ? Math.round(value) : decimal.format(value / 1024 ** power)} ${units[power]}`;
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function fill(table, rows, emptyText) {
  const columns = table.querySelectorAll('th').length;
  const body = table.querySelector('tbody');
  if (rows.length === 0) {
    const row = element('tr', undefined, 'empty');
    row.append(element('td', emptyText));
    row.firstChild.colSpan = columns;
    return body.replaceChildren(row);
  }
  body.replaceChildren(...rows.map((cells) => {
    const row = element('tr');
    row.append(...cells);
    return row;
  }));
}

class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? `status ${status}`);
    this.status = status;
  }
}

async function ask(path, options = {}) {
  const token = sessionStorage.getItem('token');
  const response = await fetch(path, {
    signal: AbortSignal.timeout(8000),
    ...options,
    headers: { ...options.headers, ...(token ? { authorization: `Bearer ${token}` } : {}) },
  });
  const answer = await response.json();
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

const post = (path, body) => ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

function remember(name, value) {
  const history = histories[name];
  history.push(value);
  if (history.length > HISTORY) history.shift();
  const top = Math.max(...history, 1);
  const points = history.map((each, index) => `${(120 - (history.length - 1 - index) * (120 / (HISTORY - 1))).toFixed(1)} ${(27 - (each / top) * 25).toFixed(1)}`);
  $(`#spark-${name} path`).setAttribute('d', points.length < 2 ? '' : `M${points.join('L')}`);
}

function show(status) {
  const at = performance.now();
  const perSecond = (now, before) => (previous === null ? 0 : Math.max(0, ((now - before) * 1000) / (at - previous.at)));
  const rates = {
    published: Math.round(perSecond(status.producer.messages_sent, previous?.status.producer.messages_sent)),
    applied: Math.round(perSecond(status.consumer.messages_processed, previous?.status.consumer.messages_processed)),
  };
  previous = { at, status };
  remember('published', rates.published);
  remember('applied', rates.applied);
  remember('lag', status.consumer.lag);

  const { cluster } = status;
  const where = `${cluster.mode === 'embedded' ? 'embedded log' : `Apache Kafka, ${cluster.broker_count} brokers`}, ${cluster.status}`;
  const model = { ...status, rates, where };
  for (const node of document.querySelectorAll('[data-text]')) {
    const value = node.dataset.text.split('.').reduce((inside, name) => inside?.[name], model);
    const format = formats[node.dataset.as] ?? ((given) => (typeof given === 'number' ? count.format(given) : given));
    node.textContent = value === undefined || value === null ? '–' : format(value);
  }
  showState(status);
  showTopics(status.topics);
  showDemo(status);
}

function showState({ state, cause }) {
  const [text, kind] = { SYSTEM_STOPPED: ['ready', 'idle'], DEMO_RUNNING: ['demo running', 'running'], SYSTEM_ERROR: ['error', 'error'] }[state] ?? [state, ''];
  $('#state').textContent = text;
  $('#state').className = `state ${kind}`;
  banner(state === 'SYSTEM_ERROR' ? cause : null);
}

function banner(text) {
  $('#banner').hidden = text === null;
  if (text !== null) $('#banner').textContent = text;
}

function showTopics(topics) {
  fill($('#topics'), topics.map(({ name, partitions }) => {
    const sum = (field) => partitions.reduce((total, partition) => total + (partition[field] ?? 0), 0);
    const read = partitions.some(({ lag }) => lag !== null);
    const ends = partitions.slice(0, 24).map(({ end_offset }) => count.format(end_offset)).join('  ') + (partitions.length > 24 ? '  …' : '');
    return [
      element('td', name),
      element('td', count.format(partitions.length), 'n'),
      element('td', count.format(sum('end_offset')), 'n'),
      element('td', read ? count.format(sum('lag')) : '–', 'n'),
      element('td', ends, 'small'),
    ];
  }), 'No topics yet.');
}

function showDemo({ state, demo }) {
  const running = state === 'DEMO_RUNNING';
  $('#run').disabled = running;
  $('#demo-progress').hidden = !running;
  if (demo === null) return;
  const n = (value) => count.format(value);
  $('#demo-progress').max = demo.requested;
  $('#demo-progress').value = demo.published;
  $('#demo-line').textContent = demo.error !== undefined
    ? `Failed: ${demo.error}`
    : `${running ? '' : 'Last demo, '}seed ${demo.seed}: ${n(demo.published)} of ${n(demo.requested)} published, ${n(demo.in_log)} in the log; ${n(demo.applied)} applied, ${n(demo.duplicates)} duplicates, ${n(demo.parked)} parked, ${n(demo.dead_lettered)} dead-lettered.`;
  const box = $('#reconciliation');
  const { reconciliation } = demo;
  box.hidden = reconciliation === null;
  if (reconciliation === null) return;
  fill(box, reconciliation.topics.map((topic) => [
    element('td', topic.topic),
    ...['in_log', 'applied', 'duplicates', 'parked', 'dead_lettered'].map((field) => element('td', n(topic[field]), 'n')),
    element('td', topic.balanced ? 'yes' : 'no', topic.balanced ? 'yes' : 'no'),
  ]), 'No topics.');
  const { compared, differing, balanced } = reconciliation;
  const counters = compared === null
    ? 'Events are parked, so counters are not compared yet.'
    : `${n(compared)} documents ${differing === 0 ? 'equal' : `compared, ${n(differing)} differ from`} an independent fold of the log.`;
  box.querySelector('.verdict').replaceChildren(
    element('span', balanced ? 'Balanced.' : 'Not balanced.', balanced ? 'yes' : 'no'),
    ` ${counters}`,
  );
}

async function showDeadLetters(depth) {
  if (depth === lastDeadLetters) return;
  const { entries } = await ask('/api/v1/dlq?limit=8');
  lastDeadLetters = depth;
  fill($('#dead-letters'), entries.map((entry) => [
    element('td', `${entry.topic} ${entry.partition}:${entry.offset}`),
    element('td', entry.key ?? '(none)'),
    element('td', `${entry.code}: ${entry.reason.slice(0, 140)}`, 'small'),
    element('td', count.format(entry.delivery_count), 'n'),
    element('td', new Date(entry.first_failed_at).toLocaleTimeString(), 'small'),
  ]), 'None: every event could be processed.');
}

function connected() {
  document.body.className = 'live';
  $('#link').textContent = 'live';
}

function disconnected(error) {
  $('#token').hidden = error.status !== 401;
  document.body.className = previous === null ? 'loading lost' : 'lost';
  $('#link').textContent = previous === null ? 'no answer yet, trying again' : `connection lost, figures of ${new Date(Date.now() - (performance.now() - previous.at)).toLocaleTimeString()}`;
  $('#state').textContent = 'not connected';
  $('#state').className = 'state';
  $('#run').disabled = true;
  banner(error instanceof Refused && error.status !== 401 ? error.message : null);
  histories.published.length = histories.applied.length = 0;
}

async function tick() {
  if (!document.hidden) {
    try {
      const status = await ask('/api/status');
      show(status);
      connected();
      $('#token').hidden = true;
      await showDeadLetters(status.consumer.dlq_depth);
    } catch (error) {
      disconnected(error);
    }
  }
  setTimeout(tick, PERIOD_MS);
}

$('#run').addEventListener('click', async () => {
  $('#run').disabled = true;
  try {
    await post('/api/run-demo', {});
  } catch (error) {
    $('#demo-line').textContent = error.message;
  }
});

$('#token').addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem('token', $('#token-value').value);
  $('#token-value').value = '';
});

$('#publish').addEventListener('submit', async (event) => {
  event.preventDefault();
  const { content_id, user_id } = Object.fromEntries(new FormData(event.target));
  const line = $('#published');
  const started = performance.now();
  try {
    const { topic, partition, offset } = await post('/api/v1/events', { event_type: 'post_liked', content_id, user_id });
    const durableMs = performance.now() - started;
    line.textContent = `durable at ${topic} ${partition}:${offset} after ${decimal.format(durableMs)} ms`;
    const counters = await ask(`/api/v1/engagement?content_id=${encodeURIComponent(content_id)}&after=${topic}:${partition}:${offset}&timeout_ms=5000`);
    line.textContent += `, applied after ${decimal.format(performance.now() - started)} ms`;
    $('#counters').hidden = false;
    for (const name of ['likes', 'shares', 'comments', 'views']) {
      const node = $(`#${name}`);
      const text = count.format(counters[name]);
      node.className = node.textContent !== '' && node.textContent !== text ? 'changed' : '';
      node.textContent = text;
    }
  } catch (error) {
    line.textContent = error.message;
  }
});

tick();
