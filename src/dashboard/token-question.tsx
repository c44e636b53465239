import { useSignal } from '@preact/signals';
import { setToken, token, tokenWanted } from './http.ts';
import { Button, TextField } from './parts/controls.tsx';
import { Dialog } from './parts/dialog.tsx';

/** Asked for when the server wants one: it is kept for this tab, and sent with every request. */
export function TokenQuestion() {
  const typed = useSignal('');
  if (!tokenWanted.value) return null;
  return (
    <Dialog
      title="This server asks for its token"
      onClose={() => {
        tokenWanted.value = false;
      }}
    >
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          setToken(typed.value.trim());
          location.reload();
        }}
      >
        <TextField
          label="Token"
          type="password"
          required
          value={typed.value}
          error={token.value === '' ? null : 'The token that was given before is not right.'}
          hint="The value of STREAMSOCIAL_AUTH_TOKEN, or of the file that it names."
          onInput={(value) => {
            typed.value = value;
          }}
        />
        <footer>
          <Button type="submit" kind="primary" disabled={typed.value.trim() === ''}>
            Go on
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
