import { useRef } from 'preact/hooks';
import type { ProgressJson } from '../../../api/projection-documents.ts';
import { count, plural } from '../../format.ts';
import { Progress } from '../../parts/values.tsx';
import { useResource } from '../../resource.ts';

const EVERY_MS = 400;
/** Measured for so long before anything is said. */
const LONG_ENOUGH_MS = 1_000;

/** How far the fold is that the page waits for; it goes on although the slider moves. */
export function FoldProgress({ name, documentKey }: { readonly name: string; readonly documentKey: string }) {
  const path = `/api/v1/projections/${encodeURIComponent(name)}/changes/progress?key=${encodeURIComponent(documentKey)}`;
  const { data } = useResource<ProgressJson>(path, { everyMs: EVERY_MS });
  const fold = data?.fold ?? null;
  const began = useRef<{ readonly folded: number; readonly at: number } | null>(null);
  // the log may be gone through more than once
  if (fold !== null && (began.current === null || fold.folded < began.current.folded))
    began.current = { folded: fold.folded, at: performance.now() };
  const left = fold === null ? null : timeLeft(fold, began.current!, performance.now());
  return (
    <div class="state-fold" role="status">
      {fold === null || fold.total === 0 ? (
        <span class="small muted">Folding the log …</span>
      ) : (
        <Progress
          label="Folding the log"
          share={fold.folded / fold.total}
          text={`Folding the log: ${count(fold.folded)} of ${plural(fold.total, 'record')}${left === null ? '' : `, about ${left} left`}`}
        />
      )}
    </div>
  );
}

/** At the speed so far; null where that is not known yet. */
function timeLeft(
  { folded, total }: { readonly folded: number; readonly total: number },
  began: { readonly folded: number; readonly at: number },
  now: number,
): string | null {
  const done = folded - began.folded;
  if (now - began.at < LONG_ENOUGH_MS || done <= 0) return null;
  return `${Math.ceil(((total - folded) * (now - began.at)) / done / 1_000)} s`;
}
