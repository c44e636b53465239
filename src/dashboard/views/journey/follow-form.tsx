import { useSignal } from '@preact/signals';
import { Button, TextField } from '../../parts/controls.tsx';
import { go, pathTo } from '../../router.ts';

/** @param props.current what is shown already */
export function FollowForm({ current = '' }: { readonly current?: string }) {
  const text = useSignal(current);
  const wanted = text.value.trim();
  return (
    <form
      class="follow-form"
      aria-label="An event"
      onSubmit={(event) => {
        event.preventDefault();
        if (wanted !== '') go(pathTo('journey', wanted));
      }}
    >
      <TextField
        label="Event id, or topic:partition:offset"
        type="search"
        spellcheck={false}
        value={text.value}
        onInput={(value) => {
          text.value = value;
        }}
      />
      <Button type="submit" kind="primary" disabled={wanted === '' || wanted === current}>
        Follow
      </Button>
    </form>
  );
}
