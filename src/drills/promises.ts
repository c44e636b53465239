/** What StreamSocial promises, in the words of docs/DESIGN.md; a drill says which of it it puts to the test. */
export const PROMISES: Readonly<Record<string, string>> = {
  P1: 'an acknowledged event survives the loss of any one broker',
  P2: 'embedded: a 2xx means fsynced',
  P3: 'one event id counts once, whatever is retried or restarted',
  P4: 'order per key, from producer to projection',
  P5: 'a poison event never stops its partition',
  P6: 'applied + parked + dead-lettered = log, for every partition, at any quiet moment',
  P7: 'memory stays bounded: RSS at most 512 MiB under any backlog',
  P8: 'the longest gap without acknowledgements when a leader is killed or frozen is 15 s',
  P9: 'no quorum: writes answer 503 within 5 s, and resume by themselves',
  P10: 'Redis lost: projections are rebuilt from the log',
  P11: 'SIGTERM: exit 0 within 10 s, nothing lost; SIGKILL: the same after restart',
  P12: 'replaying a projection gives byte-identical state',
};
