/**
 * Who stands before the executor: faults, then recordings, each only while it has something to do.
 * With neither the pipeline talks to the executor itself.
 */
import type { Requests } from '../server/pipeline.ts';
import type { Server } from '../server/server.ts';
import { Faults } from './faults.ts';
import { Recording } from './recorder.ts';

export class RequestWatch {
  readonly faults: Faults;
  readonly recording: Recording;
  private readonly server: Server;

  constructor(server: Server) {
    this.server = server;
    this.recording = new Recording(
      server,
      () => this.afterRecording(),
      () => this.arrange(),
    );
    this.faults = new Faults(
      server,
      () => server.executor,
      () => this.arrange(),
    );
  }

  private afterRecording(): Requests {
    return this.faults.isEmpty ? this.server.executor : this.faults;
  }

  private arrange(): void {
    this.server.pipeline.requests = this.recording.isEmpty ? this.afterRecording() : this.recording;
  }
}
