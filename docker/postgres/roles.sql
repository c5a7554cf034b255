-- Run once, by the superuser, in a new cluster: docs/operations/database.md says what the two logins are for.
-- The portal's own login is made by the migrations.
\getenv owner_password OWNER_PASSWORD
CREATE ROLE diagport_owner LOGIN CREATEROLE PASSWORD :'owner_password';
CREATE DATABASE diagport OWNER diagport_owner;
