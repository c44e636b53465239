/** One Ctrl-C arrives up to three times: from the terminal, from npm, and from the process that npm started. */
const SAME_REQUEST_MS = 1_000;

/** Resolves at the first SIGINT or SIGTERM, or when the process that started this one is gone; a later signal ends the process at once, as impatient people expect. */
export function untilSignal(): Promise<undefined> {
  return new Promise((resolve) => {
    let askedAt: number | null = null;
    const onSignal = () => {
      askedAt ??= performance.now();
      if (performance.now() - askedAt > SAME_REQUEST_MS) process.exit(130);
      resolve(undefined);
    };
    process.on('SIGINT', onSignal).on('SIGTERM', onSignal).once('disconnect', resolve);
    // waiting for the parent's end must not keep this process alive
    process.channel?.unref();
  });
}
