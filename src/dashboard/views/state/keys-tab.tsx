/** Finding a row: by its key, by an example of each kind, by the newest events, by how keys begin. */
import { useSignal } from '@preact/signals';
import type { KeysJson, KindsJson } from '../../../api/projection-documents.ts';
import { plural } from '../../format.ts';
import { get } from '../../http.ts';
import { Button, SelectField, TextField } from '../../parts/controls.tsx';
import { Empty, Loaded, ProblemNote } from '../../parts/notes.tsx';
import { Panel } from '../../parts/page.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { Time } from '../../parts/values.tsx';
import { useResource } from '../../resource.ts';
import { go, pathTo, query, setQuery } from '../../router.ts';
import { useTask } from '../../use-task.ts';
import { kindName } from './document-model.ts';

type Kinds = KindsJson['kinds'];

const LIMIT = 100;
const MAX_SHOWN = 2_000;

export function KeysTab({ name }: { readonly name: string }) {
  const kinds = useResource<KindsJson>(`/api/v1/projections/${encodeURIComponent(name)}/kinds`);
  return (
    <Loaded of={kinds} what="kinds of rows">
      {({ kinds }) => (
        <div class="stack">
          <FindRow name={name} kinds={kinds} />
          <Panel title="Kinds of rows" note="each with one that exists, most lately changed where that is known" flush>
            <Table
              caption={`Kinds of rows of ${name}`}
              columns={kindColumns(name)}
              rows={kinds}
              keyOf={({ prefix }) => prefix}
              unsorted
            />
          </Panel>
          <KeysPanel name={name} />
        </div>
      )}
    </Loaded>
  );
}

function kindColumns(name: string): readonly Column<Kinds[number]>[] {
  return [
    {
      head: 'Key',
      names: true,
      value: kindName,
      show: (kind) => <code>{kindName(kind)}</code>,
    },
    { head: 'What it is', value: ({ about }) => about },
    {
      head: 'For example',
      value: ({ example }) => example,
      show: ({ example }) => (example === null ? 'none was found' : <KeyLink name={name} value={example} />),
    },
  ];
}

function KeyLink({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <a class="state-key cut" title={value} href={pathTo('state', name, value)}>
      {value}
    </a>
  );
}

/** Straight to a row whose id is known. */
function FindRow({ name, kinds }: { readonly name: string; readonly kinds: Kinds }) {
  const prefix = useSignal(kinds[0]?.prefix ?? '');
  const id = useSignal('');
  const kind = kinds.find((one) => one.prefix === prefix.value) ?? kinds[0];
  if (kind === undefined) return null;
  const key = kind.id === null ? kind.prefix : `${kind.prefix}${id.value}`;
  return (
    <Panel title="Find a row">
      <form
        class="row end"
        onSubmit={(event) => {
          event.preventDefault();
          if (kind.id === null || id.value !== '') go(pathTo('state', name, key));
        }}
      >
        {kinds.length > 1 && (
          <SelectField
            label="Kind"
            value={prefix.value}
            options={kinds.map((one) => ({ value: one.prefix, text: kindName(one) }))}
            onInput={(value) => {
              prefix.value = value;
            }}
          />
        )}
        {kind.id !== null && (
          <TextField
            label={`Id of the ${kind.id}`}
            value={id.value}
            spellcheck={false}
            placeholder={kind.example?.slice(kind.prefix.length) ?? ''}
            onInput={(value) => {
              id.value = value;
            }}
          />
        )}
        <Button type="submit" kind="primary" disabled={kind.id !== null && id.value === ''}>
          Show the row
        </Button>
      </form>
    </Panel>
  );
}

interface MoreKeys {
  readonly keys: readonly string[];
  readonly cursor: string | null;
}

/** By prefix, from the store; the newest events' first. */
function KeysPanel({ name }: { readonly name: string }) {
  const prefix = query('prefix');
  const search = new URLSearchParams({ limit: String(LIMIT), ...(prefix === '' ? {} : { prefix }) });
  const path = `/api/v1/projections/${encodeURIComponent(name)}/keys?${search}`;
  const first = useResource<KeysJson>(path);
  return (
    <Panel title="Rows" note="keys that the newest events changed, and keys from the store">
      <div class="stack">
        <div class="state-prefix">
          <TextField
            label="Key begins with"
            type="search"
            value={prefix}
            spellcheck={false}
            onInput={(value) => setQuery({ prefix: value })}
          />
        </div>
        <Loaded of={first} what="keys">
          {(page) => <KeysFound key={path} name={name} path={path} first={page} />}
        </Loaded>
      </div>
    </Panel>
  );
}

const RECENT_COLUMNS = (name: string): readonly Column<KeysJson['recent'][number]>[] => [
  { head: 'Key', names: true, value: ({ key }) => key, show: ({ key }) => <KeyLink name={name} value={key} /> },
  { head: 'Changed by', value: ({ event_type }) => event_type },
  { head: 'When', value: ({ at }) => at, show: ({ at }) => <Time at={at} as="ago" /> },
];

function KeysFound({ name, path, first }: { name: string; path: string; first: KeysJson }) {
  const more = useSignal<MoreKeys>({ keys: [], cursor: first.cursor });
  const { busy, problem, run } = useTask();
  const keys = [...new Set([...first.keys, ...more.value.keys])];
  const next = async () => {
    await run(async () => {
      const page = await get<KeysJson>(`${path}&cursor=${encodeURIComponent(more.value.cursor!)}`);
      more.value = { keys: [...more.value.keys, ...page.keys], cursor: page.cursor };
    });
  };
  if (keys.length === 0 && first.recent.length === 0 && more.value.cursor === null)
    return (
      <Empty title="There is no such row">
        <p>
          Rows come into being with the first event that changes them.{' '}
          <a href="/topics?tab=publish">Publish an event</a>, or run the demo on the <a href="/">first page</a>.
        </p>
      </Empty>
    );
  return (
    <>
      {first.recent.length > 0 && (
        <Table
          caption="Rows that the newest events changed"
          columns={RECENT_COLUMNS(name)}
          rows={first.recent}
          keyOf={({ key }) => key}
          unsorted
        />
      )}
      <div>
        <h3 class="small muted">From the store</h3>
        <ul class="state-keys">
          {keys.slice(0, MAX_SHOWN).map((key) => (
            <li key={key}>
              <KeyLink name={name} value={key} />
            </li>
          ))}
        </ul>
      </div>
      {problem.value !== null && <ProblemNote problem={problem.value} retry={() => void next()} />}
      <div class="row">
        {more.value.cursor !== null && keys.length < MAX_SHOWN && (
          <Button small busy={busy.value} onClick={() => void next()}>
            Look further
          </Button>
        )}
        <span class="small muted">
          {plural(keys.length, 'key')}
          {more.value.cursor === null
            ? ', which are all'
            : keys.length >= MAX_SHOWN
              ? ': say more of how the key begins'
              : ' so far'}
        </span>
      </div>
    </>
  );
}
