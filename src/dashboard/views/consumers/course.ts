import { signal, useSignalEffect } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { GroupHistory } from '../../../api/group-schemas.ts';
import { get } from '../../http.ts';
import { isLost } from '../../live.ts';
import { pathTo } from '../../router.ts';
import { visible } from '../../visible.ts';
import { type Course, extended, missingSeconds, NO_COURSE } from './history-model.ts';

const EVERY_MS = 2_000;

/** A group's last ten minutes: all of them once, then only what is new, while the page is looked at. */
export function useCourse(group: string): Course {
  const course = useMemo(() => signal<Course>(NO_COURSE), [group]);
  useSignalEffect(() => {
    if (!visible.value || isLost.value) return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const once = async (): Promise<void> => {
      const path = `/api/v1/groups${pathTo(group)}/history?seconds=${missingSeconds(course.peek(), Date.now())}`;
      try {
        const piece = await get<GroupHistory>(path, { signal: stop.signal });
        course.value = extended(course.peek(), piece);
      } catch {
        // the group's own request tells of it; a gap is filled at the next turn
      }
      if (!stop.signal.aborted) timer = setTimeout(once, EVERY_MS);
    };
    void once();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  });
  return course.value;
}
