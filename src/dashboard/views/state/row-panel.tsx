/** The row as a table: what it is now, what it was at the chosen time, and where the two differ. */
import { useSignal } from '@preact/signals';
import type { StateJson } from '../../../api/projection-documents.ts';
import { count, dateTime, plural } from '../../format.ts';
import { CheckField } from '../../parts/controls.tsx';
import { Empty, Loading, Note, ProblemNote } from '../../parts/notes.tsx';
import { Panel } from '../../parts/page.tsx';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import type { Resource } from '../../resource.ts';
import { differenceText, type FieldRow, type FieldValue, fieldRows, valueText } from './document-model.ts';
import { FoldProgress } from './fold-progress.tsx';

interface RowPanelProps {
  readonly name: string;
  readonly documentKey: string;
  readonly now: Resource<StateJson>;
  /** Null: no time is chosen. */
  readonly then: Resource<StateJson> | null;
  readonly at: number | null;
}

const MAX_ROWS = 500;

export function RowPanel({ name, documentKey, now, then, at }: RowPanelProps) {
  const onlyDifferences = useSignal(false);
  const isCompared = then !== null && then.data !== null;
  const rows = fieldRows(
    now.data?.document ?? null,
    isCompared ? (then.data!.document ?? null) : undefined,
    now.data?.kind ?? then?.data?.kind ?? null,
  );
  const differing = rows.filter(({ differs }) => differs).length;
  const shown = onlyDifferences.value && isCompared ? rows.filter(({ differs }) => differs) : rows;
  const columns = columnsOf(isCompared ? at : null);
  return (
    <Panel
      title="Row"
      note={noteOf(at, isCompared, differing, rows.length)}
      flush
      actions={
        <>
          {isCompared && rows.length > 0 && (
            <CheckField
              label="Only differences"
              checked={onlyDifferences.value}
              onInput={(checked) => {
                onlyDifferences.value = checked;
              }}
            />
          )}
          <ExportButtons name={`${name}-${documentKey.replaceAll(/[^\w-]+/g, '_')}`} columns={columns} rows={rows} />
        </>
      }
    >
      {now.problem !== null && <ProblemNote problem={now.problem} retry={now.reload} />}
      {then !== null && then.problem !== null && !then.loading && (
        <ProblemNote problem={then.problem} retry={then.reload} />
      )}
      {then?.loading && then.problem === null && <FoldProgress name={name} documentKey={documentKey} />}
      {isCompared && then.data!.missing > 0 && (
        <Note kind="warn">
          The log no longer has its beginning: {plural(then.data!.missing, 'record')} of before are gone, and what is
          shown of the past lacks them.
        </Note>
      )}
      {now.data === null && now.problem === null ? (
        <Loading what="the row" />
      ) : rows.length === 0 && now.data !== null ? (
        <Empty title="There is no such row">
          <p>
            {at !== null && !isCompared
              ? 'There is none now.'
              : `No event has changed it ${isCompared ? 'yet, neither now nor by then' : 'yet'}.`}
          </p>
        </Empty>
      ) : (
        <div class="state-row" data-row={isCompared ? 'compared' : 'now'}>
          <Table
            caption={`Fields of ${documentKey}`}
            columns={columns}
            rows={shown.slice(0, MAX_ROWS)}
            keyOf={({ field }) => field}
            tall
            empty={<Empty title="Nothing differs" />}
          />
          {shown.length > MAX_ROWS && (
            <p class="small muted state-more">
              The first {count(MAX_ROWS)} of {plural(shown.length, 'field')}; CSV and JSON have all.
            </p>
          )}
        </div>
      )}
    </Panel>
  );
}

function noteOf(at: number | null, isCompared: boolean, differing: number, fields: number): string {
  if (at === null) return 'as it is now, kept up to date';
  if (!isCompared) return `now, and before ${dateTime(at)}`;
  const differences = differing === 0 ? 'no difference' : plural(differing, 'difference');
  return `now, and before ${dateTime(at)}: ${differences} in ${plural(fields, 'field')}`;
}

function columnsOf(at: number | null): readonly Column<FieldRow>[] {
  return [
    {
      head: 'Field',
      names: true,
      value: ({ field }) => field,
      show: ({ field }) => <span class="state-field">{field}</span>,
    },
    ...(at === null
      ? []
      : [
          {
            head: 'At the chosen time',
            number: true,
            value: ({ past }: FieldRow) => past,
            show: ({ past, meaning }: FieldRow) => <Value value={past} type={meaning?.type} />,
          },
          {
            head: 'Since then',
            number: true,
            value: differenceText,
            show: (row: FieldRow) => <span class={row.differs ? 'state-differs' : ''}>{differenceText(row)}</span>,
          },
        ]),
    {
      head: 'Now',
      number: true,
      value: ({ now }) => now,
      show: ({ now, meaning }) => <Value value={now} type={meaning?.type} />,
    },
    {
      head: 'What it is',
      value: ({ label, type }) => (label === '' ? type : `${label} (${type})`),
      show: ({ label, type }) => (
        <>
          {label} <span class="badge">{type}</span>
        </>
      ),
    },
  ];
}

function Value({ value, type }: { readonly value: FieldValue; readonly type: string | undefined }) {
  const text = valueText(value, type);
  return (
    <span class="state-value" title={typeof value === 'string' && value !== text ? value : undefined}>
      {text}
    </span>
  );
}
