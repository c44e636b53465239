import type { ProgressJson } from '../../../api/projection-documents.ts';
import { count, plural } from '../../format.ts';
import { Progress } from '../../parts/values.tsx';
import { useResource } from '../../resource.ts';

const EVERY_MS = 400;

/** How far the fold is that the page waits for; it goes on although the slider moves. */
export function FoldProgress({ name, documentKey }: { readonly name: string; readonly documentKey: string }) {
  const path = `/api/v1/projections/${encodeURIComponent(name)}/changes/progress?key=${encodeURIComponent(documentKey)}`;
  const { data } = useResource<ProgressJson>(path, { everyMs: EVERY_MS });
  const fold = data?.fold ?? null;
  return (
    <div class="state-fold" role="status">
      {fold === null || fold.total === 0 ? (
        <span class="small muted">Folding the log …</span>
      ) : (
        <Progress
          label="Folding the log"
          share={fold.folded / fold.total}
          text={`Folding the log: ${count(fold.folded)} of ${plural(fold.total, 'record')}`}
        />
      )}
    </div>
  );
}
