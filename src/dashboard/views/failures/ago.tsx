import { Time } from '../../parts/values.tsx';

/** `12 s ago`, in one line of a table. */
export function Ago({ at }: { readonly at: string }) {
  return (
    <span class="failure-place">
      <Time at={at} as="ago" />
    </span>
  );
}
