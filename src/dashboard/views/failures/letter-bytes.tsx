/** What the record was, byte for byte. */
import { useMemo } from 'preact/hooks';
import type { ShownDeadLetterJson } from '../../../api/dead-letters.ts';
import { download } from '../../download.ts';
import { bytes, count, plural } from '../../format.ts';
import { Button, ChoiceField } from '../../parts/controls.tsx';
import { Panel } from '../../parts/page.tsx';
import { ScrollRegion } from '../../parts/scroll-region.tsx';
import { Table } from '../../parts/table.tsx';
import { Code } from '../../parts/values.tsx';
import { query, setQuery } from '../../router.ts';
import { bytesOf, hexDump } from '../../value-text.ts';
import { faultAt } from './failure-words.ts';

const FORMS = [
  { value: 'text', text: 'Text' },
  { value: 'hex', text: 'Hex' },
  { value: 'headers', text: 'Headers' },
] as const;
const MAX_TEXT = 20_000;
const MAX_HEX_BYTES = 4_096;

type Letter = ShownDeadLetterJson;

export function LetterBytes({ letter }: { readonly letter: Letter }) {
  const { original } = letter;
  const isText = original.encoding === 'utf-8';
  const form = FORMS.find(({ value }) => value === query('bytes'))?.value ?? (isText ? 'text' : 'hex');
  return (
    <Panel
      title="Original bytes"
      note={original.value === null ? 'no value' : bytes(letter.value_bytes)}
      actions={
        <Button small kind="quiet" disabled={original.value === null} onClick={() => save(letter)}>
          Save
        </Button>
      }
    >
      <div class="stack">
        <div class="row">
          <ChoiceField
            label="Show as"
            value={form}
            options={FORMS}
            onInput={(bytesForm) => setQuery({ bytes: bytesForm === 'text' && isText ? null : bytesForm })}
          />
        </div>
        <Key letter={letter} />
        {form === 'headers' ? <Headers letter={letter} /> : <Value letter={letter} form={form} />}
      </div>
    </Panel>
  );
}

function Key({ letter: { original } }: { readonly letter: Letter }) {
  return (
    <p>
      <span class="muted">Key </span>
      {original.key === null ? (
        <span class="muted">none</span>
      ) : (
        <>
          <code class="failure-text">{original.key}</code>
          {original.key_encoding === 'base64' && <span class="muted"> (base64: it is no text)</span>}
        </>
      )}
    </p>
  );
}

function Value({ letter, form }: { readonly letter: Letter; readonly form: 'text' | 'hex' }) {
  const { value, encoding } = letter.original;
  const hex = useMemo(
    () => (form === 'hex' && value !== null ? hexDump(bytesOf(value, encoding), MAX_HEX_BYTES) : null),
    [form, value, encoding],
  );
  if (value === null) return <p class="muted">The record has no value: a null, not an empty text.</p>;
  if (value === '') return <p class="muted">The value is empty: no byte at all.</p>;
  if (hex !== null)
    return (
      <>
        <div class="failure-hex">
          <Code text={hex.text} label="Value as hexadecimal" />
        </div>
        {hex.cut && <p class="muted small">The first {bytes(MAX_HEX_BYTES)}. Save it to have all.</p>}
      </>
    );
  if (encoding === 'base64') return <p class="muted">These bytes are no UTF-8 text: look at them as hex.</p>;
  return <MarkedText text={value} fault={letter.code === 'NOT_JSON' ? faultAt(letter.reason, value) : null} />;
}

/** With a mark where the parser stopped. */
function MarkedText({ text, fault }: { readonly text: string; readonly fault: number | null }) {
  const shown = text.slice(0, MAX_TEXT);
  const cut = text.length > MAX_TEXT && (
    <p class="muted small">
      The first {count(MAX_TEXT)} of {count(text.length)} characters. Save it to have all.
    </p>
  );
  if (fault === null || fault > shown.length)
    return (
      <>
        <Code text={shown} label="Value as text" />
        {cut}
      </>
    );
  return (
    <>
      <ScrollRegion class="code-scroll" label="Value as text">
        <pre class="code">
          {shown.slice(0, fault)}
          <mark class="failure-fault">{shown.slice(fault, fault + 1) || 'ends here'}</mark>
          {shown.slice(fault + 1)}
        </pre>
      </ScrollRegion>
      <p class="muted small">
        {fault >= text.length
          ? `It ends too early, after ${plural(text.length, 'character')}.`
          : `The mark is where it stops being JSON: character ${count(fault + 1)} of ${count(text.length)}.`}
      </p>
      {cut}
    </>
  );
}

function Headers({ letter: { original } }: { readonly letter: Letter }) {
  if (original.headers.length === 0) return <p class="muted">The record has no headers.</p>;
  const rows = original.headers.map((header, index) => ({ ...header, index }));
  return (
    <Table
      caption="Original headers"
      columns={[
        { head: 'Header', names: true, value: ({ name }) => name },
        {
          head: 'Value',
          value: ({ value }) => value,
          show: ({ value, encoding }) =>
            value === null ? (
              <span class="muted">null</span>
            ) : (
              <span class="failure-text">
                {value}
                {encoding === 'base64' && <span class="muted"> (base64)</span>}
              </span>
            ),
        },
      ]}
      rows={rows}
      keyOf={({ index }) => String(index)}
      unsorted
    />
  );
}

function save({ topic, partition, offset, original: { value, encoding } }: Letter): void {
  const name = `${topic}-${partition}-${offset}`;
  if (encoding === 'utf-8') download(`${name}.txt`, 'text/plain', value ?? '');
  else download(`${name}.base64.txt`, 'text/plain', value ?? '');
}
