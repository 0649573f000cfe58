/** The events of an embedded server. Listeners run after the turn that caused the event. */
import { EventEmitter } from 'node:events';
import type { Server } from '../server/server.ts';
import type { Session } from '../session/session.ts';
import { refuseUnknown } from './check.ts';
import { clientInfo } from './client-info.ts';
import { LocalTransport } from './local-client.ts';
import type { RecordedCommand, ServerEvents } from './looking-types.ts';
import type { Recording } from './recorder.ts';

type Name = keyof ServerEvents;
const names = ['command', 'connect', 'disconnect', 'error', 'close'] as const satisfies Name[];

/** Throws TypeError for a name that is never told: a listener of it would wait for ever. */
function checkName(name: string): void {
  refuseUnknown('the events of a server', { [name]: true }, names);
}

export class Events {
  private readonly emitter = new EventEmitter();
  private readonly server: Server;
  private readonly recording: Recording;
  private stopRecording: (() => void) | undefined;

  constructor(server: Server, recording: Recording) {
    this.server = server;
    this.recording = recording;
    this.emitter.setMaxListeners(0);
  }

  on<N extends Name>(name: N, listener: ServerEvents[N]): void {
    checkName(name);
    this.emitter.on(name, listener);
    this.listen();
  }

  once<N extends Name>(name: N, listener: ServerEvents[N]): void {
    checkName(name);
    this.emitter.once(name, listener);
    this.listen();
  }

  off<N extends Name>(name: N, listener: ServerEvents[N]): void {
    this.emitter.off(name, listener);
    this.listen();
  }

  closed(): void {
    this.emitter.emit('close');
  }

  /** Costs nothing for what nobody listens to. */
  private listen(): void {
    const wants = (name: Name) => this.emitter.listenerCount(name) > 0;
    const commands = wants('command') || wants('error');
    if (commands && this.stopRecording === undefined) {
      this.stopRecording = this.recording.listen((command) => this.command(command));
    } else if (!commands && this.stopRecording !== undefined) {
      this.stopRecording();
      this.stopRecording = undefined;
    }
    const clients = wants('connect') || wants('disconnect');
    this.server.clients.observer = clients
      ? {
          connected: (session) => this.client('connect', session),
          ended: (session) => {
            if (!(session.connection instanceof LocalTransport)) this.client('disconnect', session);
          },
        }
      : undefined;
  }

  private command(command: RecordedCommand): void {
    this.later(() => {
      this.emitter.emit('command', command);
      const { reply } = command;
      if (reply instanceof Error && this.emitter.listenerCount('error') > 0) {
        this.emitter.emit('error', reply, command);
      }
    });
  }

  private client(name: 'connect' | 'disconnect', session: Session): void {
    const info = clientInfo(session);
    this.later(() => this.emitter.emit(name, info));
  }

  /** A listener may do anything, so not while a command runs. */
  private later(emit: () => void): void {
    void Promise.resolve().then(emit);
  }
}
