import type { TopicDetailJson } from '../../../api/topic-facts.ts';
import { CheckField } from '../../parts/controls.tsx';
import { Empty, Loaded, Note } from '../../parts/notes.tsx';
import { Panel } from '../../parts/page.tsx';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import type { Resource } from '../../resource.ts';
import { query, setQuery } from '../../router.ts';
import { configMeaning, sourceText } from './topic-words.ts';

type Config = NonNullable<TopicDetailJson['configs']>[number];

const COLUMNS: readonly Column<Config>[] = [
  { head: 'Name', names: true, value: ({ name }) => name, show: ({ name }) => <code>{name}</code> },
  {
    head: 'Value',
    value: ({ value, sensitive }) => (sensitive ? 'secret' : value),
    show: ({ name, value, sensitive }) => {
      const meaning = configMeaning(name, value);
      return (
        <>
          {sensitive ? 'secret' : <code>{value === '' ? 'empty' : value}</code>}
          {meaning !== null && <span class="muted"> {meaning}</span>}
        </>
      );
    },
  },
  { head: 'From', value: ({ source }) => sourceText(source) },
];

export function ConfigTab({ topic }: { readonly topic: Resource<TopicDetailJson> }) {
  const all = query('all') === '1';
  return (
    <Loaded of={topic} what="the configuration">
      {({ name, configs, administration }) => {
        if (configs === null)
          return <Note kind="warn">{administration.reason ?? 'The brokers do not tell the configuration now.'}</Note>;
        const rows = all ? configs : configs.filter(({ source }) => source !== 'DEFAULT_CONFIG');
        return (
          <Panel
            title="Configuration"
            note={`${rows.length} of ${configs.length}`}
            actions={
              <>
                <CheckField
                  label="Defaults too"
                  checked={all}
                  onInput={(checked) => setQuery({ all: checked ? 1 : null })}
                />
                <ExportButtons name={`${name}-configuration`} columns={COLUMNS} rows={rows} />
              </>
            }
            flush
          >
            <Table
              caption={`Configuration of ${name}`}
              columns={COLUMNS}
              rows={rows}
              keyOf={(row) => row.name}
              empty={
                <Empty title="Nothing is set for this topic">
                  <p>
                    All is as the broker has it by default. <code>streamsocial configs alter</code> changes it.
                  </p>
                </Empty>
              }
            />
          </Panel>
        );
      }}
    </Loaded>
  );
}
