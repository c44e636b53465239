/** One row: now, as of a chosen time, and the events that changed it. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { LogRangeJson } from '../../../api/log-range.ts';
import type { ChangesJson, StateJson } from '../../../api/projection-documents.ts';
import { asProblem, get } from '../../http.ts';
import { Loaded, Note } from '../../parts/notes.tsx';
import { Page } from '../../parts/page.tsx';
import { useResource } from '../../resource.ts';
import { pathTo, query, setQuery } from '../../router.ts';
import { toast } from '../../toast.ts';
import { ChangesPanel } from './changes-panel.tsx';
import { RowPanel } from './row-panel.tsx';
import { momentOf, momentText } from './time-model.ts';
import { TimePanel } from './time-panel.tsx';

const LIVE_MS = 2_000;
const RANGE_MS = 10_000;
/** While the slider is dragged, the log is asked so long after its last move. */
const SETTLE_MS = 120;

export function DocumentPage({ name, documentKey: key }: { readonly name: string; readonly documentKey: string }) {
  const text = query('at');
  const at = text === '' ? null : momentOf(text);
  const asked = useSettled(at);
  const base = `/api/v1/projections/${encodeURIComponent(name)}`;
  const keyed = `key=${encodeURIComponent(key)}`;
  const now = useResource<StateJson>(`${base}/state?${keyed}&or_null=true`, { everyMs: LIVE_MS });
  const then = useResource<StateJson>(
    asked === null
      ? null
      : `${base}/state?${keyed}&or_null=true&history=true&at=${encodeURIComponent(momentText(asked))}`,
  );
  const [from, to] = [query('from'), query('to')];
  const part = from === '' || to === '' ? '' : `&from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`;
  const range = useResource<LogRangeJson>(`/api/v1/log/range?projection=${encodeURIComponent(name)}${part}`, {
    everyMs: RANGE_MS,
  });
  const choose = (time: number | null) => setQuery({ at: time === null ? null : momentText(time) });
  const settled = at !== null && asked === at && then.data !== null;
  const neighbours = { previous: then.data?.previous_change ?? null, next: then.data?.next_change ?? null };
  const beforeNewest = async () => {
    try {
      const { changes } = await get<ChangesJson>(`${base}/changes?${keyed}&limit=1`);
      if (changes[0] !== undefined) choose(changes[0].at);
    } catch (error) {
      toast(asProblem(error).message, 'bad');
    }
  };
  return (
    <Page
      title={key}
      crumbs={[
        { text: 'State', href: '/state' },
        { text: name, href: pathTo('state', name) },
      ]}
      lead={now.data?.kind?.about}
    >
      {text !== '' && at === null && (
        <Note kind="warn">
          The address names a time that is none: {text}. A time is written as 2026-05-27T14:03:07.120Z.
        </Note>
      )}
      <Loaded of={range} what="the log's range of time">
        {(data) => (
          <TimePanel
            range={data}
            at={at}
            neighbours={neighbours}
            isZoomed={part !== ''}
            beforeNewest={() => void beforeNewest()}
            choose={choose}
          />
        )}
      </Loaded>
      <RowPanel
        name={name}
        documentKey={key}
        now={now}
        then={at === null ? null : settled ? { ...then, loading: false } : { ...then, data: null, loading: true }}
        at={at}
      />
      <ChangesPanel
        name={name}
        documentKey={key}
        at={at}
        kind={now.data?.kind ?? null}
        live={now.data}
        choose={choose}
      />
    </Page>
  );
}

/** A value once it has not changed for a moment. */
function useSettled(value: number | null): number | null {
  const settled = useSignal(value);
  useEffect(() => {
    if (value === null || settled.peek() === null) {
      settled.value = value;
      return;
    }
    const timer = setTimeout(() => {
      settled.value = value;
    }, SETTLE_MS);
    return () => clearTimeout(timer);
  }, [value, settled]);
  return value === null ? null : settled.value;
}
