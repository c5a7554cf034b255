// The usual home-made upload page: Express and express-fileupload, as their manuals show it.
// node express.mjs <directory>; prints its port. POST /upload, multipart, field diag.
import express from "express";
import fileUpload from "express-fileupload";
import { randomUUID } from "node:crypto";
import { join } from "node:path";

const directory = process.argv[2];
const app = express();
app.use(fileUpload());
app.post("/upload", async (request, response) => {
  await request.files.diag.mv(join(directory, randomUUID()));
  response.status(201).json({ size: request.files.diag.size });
});
const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
