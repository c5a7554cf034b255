// @tus/server on files: the reference implementation of tus.
// node tus.mjs <directory>; prints its port. Uploads begin at /tus.
import { createServer } from "node:http";
import { FileStore } from "@tus/file-store";
import { Server } from "@tus/server";

const tus = new Server({ path: "/tus", datastore: new FileStore({ directory: process.argv[2] }) });
const server = createServer(tus.handle.bind(tus));
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
