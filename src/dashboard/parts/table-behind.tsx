import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { ScrollRegion } from './scroll-region.tsx';

interface BehindProps {
  /** What it is a table of; for screen readers. */
  readonly what: string;
  /** Made when it is opened. */
  readonly children: () => ComponentChildren;
}

/** What is drawn, as a table: for whoever does not see it, and for whoever wants the number. */
export function Behind({ what, children }: BehindProps) {
  const open = useSignal(false);
  return (
    <details
      class="small table-behind"
      onToggle={(event) => {
        open.value = event.currentTarget.open;
      }}
    >
      <summary class="muted">
        Table <span class="visually-hidden">of {what}</span>
      </summary>
      {open.value && children()}
    </details>
  );
}

interface TableBehindProps {
  /** Of what is drawn; the table's caption too. */
  readonly title: string;
  /** The title within a sentence: `records over time`. Default: the title. */
  readonly of?: string;
  /** The table's head and body. */
  readonly children: () => ComponentChildren;
  /** After the table. */
  readonly after?: ComponentChildren;
}

/** With a table of its own. */
export function TableBehind({ title, of = title, children, after }: TableBehindProps) {
  return (
    <Behind what={of}>
      {() => (
        <ScrollRegion class="table-scroll tall" label={`${title}, as a table`}>
          <table class="table">
            <caption class="visually-hidden">{title}</caption>
            {children()}
          </table>
          {after}
        </ScrollRegion>
      )}
    </Behind>
  );
}
