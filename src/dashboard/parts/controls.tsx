/** Buttons and fields. Every field has a label; what is wrong with it is said beside it. */
import { type ComponentChildren, h } from 'preact';
import { useId } from 'preact/hooks';

interface ButtonProps {
  readonly kind?: 'plain' | 'primary' | 'danger' | 'quiet';
  readonly small?: boolean;
  readonly type?: 'button' | 'submit';
  readonly disabled?: boolean;
  /** Its work is under way: it says so and does nothing. */
  readonly busy?: boolean;
  /** Where the text alone does not say it. */
  readonly label?: string;
  /** Of a button that switches something. */
  readonly pressed?: boolean;
  readonly onClick?: () => void;
  readonly children: ComponentChildren;
}

export function Button(props: ButtonProps) {
  const {
    kind = 'plain',
    small = false,
    type = 'button',
    disabled = false,
    busy = false,
    label,
    onClick,
    children,
  } = props;
  return (
    <button
      type={type}
      class={`button ${kind} ${small ? 'small' : ''}`}
      disabled={disabled}
      // not disabled: that would take the focus from whoever has pressed it
      aria-disabled={busy ? true : undefined}
      aria-busy={busy}
      aria-label={label}
      aria-pressed={props.pressed}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else onClick?.();
      }}
    >
      {children}
      {busy && ' …'}
    </button>
  );
}

interface FieldProps {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly error?: string | null;
}

interface TextFieldProps extends FieldProps {
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly type?: 'text' | 'number' | 'search' | 'password' | 'datetime-local';
  readonly placeholder?: string;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number | 'any';
  readonly required?: boolean;
  readonly spellcheck?: boolean;
  /** More than one: a text of several lines. */
  readonly rows?: number;
}

export function TextField({ label, hint, error, value, onInput, rows = 1, type = 'text', ...rest }: TextFieldProps) {
  const id = useId();
  const common = {
    ...rest,
    id,
    class: 'input',
    value,
    'aria-invalid': error !== undefined && error !== null,
    'aria-describedby': `${id}-note`,
    onInput: (event: { readonly currentTarget: HTMLInputElement | HTMLTextAreaElement }) =>
      onInput(event.currentTarget.value),
  };
  const field = rows > 1 ? h('textarea', { ...common, rows }) : h('input', { autocomplete: 'off', type, ...common });
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {field}
      <FieldNote id={`${id}-note`} hint={hint} error={error} />
    </div>
  );
}

interface SelectFieldProps<V extends string> extends FieldProps {
  readonly value: V;
  readonly options: readonly { readonly value: V; readonly text: string }[];
  readonly onInput: (value: V) => void;
}

export function SelectField<V extends string>({ label, hint, error, value, options, onInput }: SelectFieldProps<V>) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        class="input"
        value={value}
        aria-describedby={`${id}-note`}
        onInput={(event) => onInput(event.currentTarget.value as V)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
      <FieldNote id={`${id}-note`} hint={hint} error={error} />
    </div>
  );
}

function FieldNote({ id, hint, error }: { id: string; hint: ComponentChildren; error: string | null | undefined }) {
  if (error !== undefined && error !== null)
    return (
      <span class="error" id={id}>
        {error}
      </span>
    );
  return (
    <span class="hint" id={id} hidden={hint === undefined}>
      {hint}
    </span>
  );
}

interface CheckFieldProps {
  readonly label: ComponentChildren;
  readonly checked: boolean;
  readonly disabled?: boolean;
  readonly onInput: (checked: boolean) => void;
}

export function CheckField({ label, checked, disabled = false, onInput }: CheckFieldProps) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={checked}
        disabled={disabled}
        onInput={(event) => onInput(event.currentTarget.checked)}
      />
      <span>{label}</span>
    </label>
  );
}

interface ChoiceFieldProps<V extends string> {
  readonly label: string;
  /** Where the choices speak for themselves: the label is for screen readers alone. */
  readonly bare?: boolean;
  readonly value: V;
  readonly options: readonly { readonly value: V; readonly text: string }[];
  readonly onInput: (value: V) => void;
}

/** One of a few, all of them in sight. */
export function ChoiceField<V extends string>(props: ChoiceFieldProps<V>) {
  const { label, bare = false, value, options, onInput } = props;
  const name = useId();
  return (
    <div class="field" role="radiogroup" aria-labelledby={`${name}-label`}>
      <span class={bare ? 'visually-hidden' : 'field-label'} id={`${name}-label`}>
        {label}
      </span>
      <div class="choice">
        {options.map((option) => (
          <label key={option.value}>
            <input type="radio" name={name} checked={option.value === value} onInput={() => onInput(option.value)} />
            {option.text}
          </label>
        ))}
      </div>
    </div>
  );
}
