/** Why there is less here than there could be, and what would give it. */
import type { ClusterControlReport } from '../../../api/cluster.ts';
import { Note } from '../../parts/notes.tsx';
import { Copy } from '../../parts/values.tsx';

type Commands = Pick<ClusterControlReport, 'commands'>;

export function EmbeddedNote({ commands }: Commands) {
  return (
    <Note>
      <div class="cluster-note">
        <p>
          <strong>The log is embedded: this process is its only broker.</strong> There are no replicas here, so nothing
          can be in or out of sync, no leader can move, and there is no quorum and nothing to kill: what is acknowledged
          is on this machine’s disk. What the topics take there is under <a href="/topics">Topics</a>.
        </p>
        <p>
          The <a href="/cluster/drills">drills</a> bring a cluster of their own and run from here too. For a cluster of
          three brokers to break by hand (Java 17, Maven and redis-server are needed):
        </p>
        <Commands commands={commands} />
      </div>
    </Note>
  );
}

export function UncontrolledNote({ reason, commands }: Commands & Pick<ClusterControlReport, 'reason'>) {
  return (
    <Note>
      <div class="cluster-note">
        <p>
          <strong>These brokers can be watched, not controlled.</strong> {reason} What can be killed, paused and started
          from here are servers that were launched so:
        </p>
        <Commands commands={commands} />
      </div>
    </Note>
  );
}

/** The second server cannot have the data directory before the first one has ended. */
function Commands({ commands: [launch, connect] }: Commands) {
  return (
    <ol class="cluster-commands">
      {launch !== undefined && (
        <li>
          In another terminal, to stay open: <Command text={launch} />
        </li>
      )}
      {connect !== undefined && (
        <li>
          End this server with Ctrl-C, and start it on that cluster: <Command text={connect} />
        </li>
      )}
    </ol>
  );
}

function Command({ text }: { readonly text: string }) {
  return (
    <span class="cluster-command">
      <code>{text}</code>
      <Copy text={text} what={text} />
    </span>
  );
}
