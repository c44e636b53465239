/** What a shell needs to complete this command line: words by verb, as one function for bash that zsh runs as well. */

export interface VerbWords {
  /** `/topics/describe`; empty for the command itself. */
  readonly verb: string;
  /** Verbs below it, or what its argument may be. */
  readonly words: readonly string[];
  /** What its argument names on the log. */
  readonly names: NamesKind | null;
  /** Its own; settings are the same for all that take them. */
  readonly flags: readonly string[];
  readonly values: readonly FlagValue[];
  readonly takesSettings: boolean;
}

export interface FlagValue {
  /** `-t`, `--topic` */
  readonly flags: readonly string[];
  readonly choices: readonly string[];
  readonly names: NamesKind | null;
}

export type NamesKind = 'topics' | 'groups';
export type Shell = 'bash' | 'zsh';

/** The verb that prints names; hidden. */
export const NAMES_VERB = '__complete';

const BEGIN: Readonly<Record<Shell, string>> = {
  bash: '# Completion for bash: source <(streamsocial completion bash)',
  zsh: `# Completion for zsh: source <(streamsocial completion zsh)
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
autoload -Uz +X bashcompinit && bashcompinit`,
};

/**
 * Variables are named so that none of them is one of zsh's own. Where nothing is offered the shell completes file names. A shell
 * breaks words at `=` and `:`; they are put together again.
 */
export function completionScript(shell: Shell, verbs: readonly VerbWords[], settings: readonly string[]): string {
  const below = verbs.filter(({ verb }) => verb !== '').map(({ verb }) => quoted(verb));
  return `${BEGIN[shell]}
_streamsocial_names() {
  COMPREPLY=($(compgen -W "$("\${COMP_WORDS[0]}" ${NAMES_VERB} "$1" "\${log_flags[@]}" 2>/dev/null)" -- "$typed"))
}

_streamsocial() {
  local typed before verb offered token value index
  local -a log_flags
  COMPREPLY=()
  log_flags=()
  typed="\${COMP_WORDS[COMP_CWORD]}"
  before="\${COMP_WORDS[COMP_CWORD-1]}"
  if [[ "$typed" == "=" ]]; then
    typed=""
  elif [[ "$before" == "=" ]] && (( COMP_CWORD > 1 )); then
    before="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  verb=""
  index=1
  while (( index < COMP_CWORD )); do
    token="\${COMP_WORDS[index]}"
    index=$((index + 1))
    case "$token" in
      -b|--bootstrap|--data-dir|--log|--settings-file)
        if [[ "\${COMP_WORDS[index]}" == "=" ]]; then index=$((index + 1)); fi
        value="\${COMP_WORDS[index]}"
        index=$((index + 1))
        while [[ "\${COMP_WORDS[index]}" == ":" ]] && (( index < COMP_CWORD )); do
          value="$value:\${COMP_WORDS[index+1]}"
          index=$((index + 2))
        done
        if (( index <= COMP_CWORD )); then log_flags+=("$token" "$value"); fi
        ;;
      *)
        case "$verb/$token" in
          ${below.join('|')}) verb="$verb/$token" ;;
        esac
        ;;
    esac
  done
  case "$before" in
    ${settings.map(quoted).join('|')}) return ;;
  esac
  case "$verb $before" in
${flagValues(verbs).join('\n')}
  esac
  offered=""
  case "$verb" in
${cases(verbs.map((one) => [one.flags.join(' '), one.verb])).join('\n')}
  esac
  case "$verb" in
    ${verbs
      .filter(({ takesSettings }) => takesSettings)
      .map(({ verb }) => quoted(verb))
      .join('|')}) offered="$offered "${quoted(settings.join(' '))} ;;
  esac
  if [[ "$typed" == -* ]]; then
    COMPREPLY=($(compgen -W "$offered" -- "$typed"))
    return
  fi
  offered=""
  case "$verb" in
${cases(verbs.filter(({ words }) => words.length > 0).map((one) => [one.words.join(' '), one.verb])).join('\n')}
${argumentNames(verbs).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$offered" -- "$typed"))
}

complete -o default -F _streamsocial streamsocial
`;
}

/** `pattern|pattern) offered=…`, verbs of the same words together. */
function cases(wordsByVerb: readonly (readonly [words: string, verb: string])[]): string[] {
  return [...Map.groupBy(wordsByVerb, ([words]) => words)].map(
    ([words, of]) => `    ${of.map(([, verb]) => quoted(verb)).join('|')}) offered=${quoted(words)} ;;`,
  );
}

function argumentNames(verbs: readonly VerbWords[]): string[] {
  const named = verbs.filter(({ names }) => names !== null);
  return [...Map.groupBy(named, ({ names }) => names)].map(
    ([names, of]) => `    ${of.map(({ verb }) => quoted(verb)).join('|')}) _streamsocial_names ${names}; return ;;`,
  );
}

function flagValues(verbs: readonly VerbWords[]): string[] {
  const all = verbs.flatMap(({ verb, values }) =>
    values.map(({ flags, choices, names }) => ({
      patterns: flags.map((flag) => quoted(`${verb} ${flag}`)),
      action:
        names === null
          ? choices.length === 0
            ? 'return'
            : `COMPREPLY=($(compgen -W ${quoted(choices.join(' '))} -- "$typed")); return`
          : `_streamsocial_names ${names}; return`,
    })),
  );
  return [...Map.groupBy(all, ({ action }) => action)].map(
    ([action, of]) => `    ${of.flatMap(({ patterns }) => patterns).join('|')}) ${action} ;;`,
  );
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
